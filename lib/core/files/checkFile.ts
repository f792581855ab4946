import { checkDataset, type DatasetUse } from '#core/datasets/checkDataset.ts';
import { reportDocument } from '#core/datasets/reportDocument.ts';
import type { DatasetReport } from '#core/datasets/types.ts';
import { FILE_LIMITS } from './limits.ts';
import type { FileDesk } from './ports.ts';
import { contentKey, reportKey, type StoredFile } from './types.ts';

type Verdict = Pick<StoredFile, 'status' | 'statusDetails'>;

/**
 * Checks a file, keeps its report and says in its record how it ended. A file that is checked already stays as it
 * is. The file as it is afterwards; undefined when it was deleted meanwhile, and then nothing of it remains.
 */
export async function checkFile(desk: FileDesk, file: StoredFile): Promise<StoredFile | undefined> {
  if (file.status !== 'uploaded') return file;
  return finish(desk, file, await checkContent(desk, file));
}

/** Says of a file whose check has died each time that it was tried that it cannot be used. */
export const giveUpCheck = (desk: FileDesk, file: StoredFile): Promise<StoredFile | undefined> =>
  finish(desk, file, { status: 'error', statusDetails: GAVE_UP });

/** Reads a file's bytes, keeps the report, and tells how the check ended. */
export async function checkContent(desk: FileDesk, file: StoredFile): Promise<Verdict> {
  const bytes = await desk.objects.read(contentKey(file));
  if (bytes === undefined) return { status: 'error', statusDetails: LOST };
  const endsAtMs = desk.world.clock() + FILE_LIMITS.checkMs;
  const report = await checkDataset(bytes, await desk.tools(), {
    use: useOf(file),
    isLate: () => desk.world.clock() > endsAtMs,
  });
  await desk.objects.put(
    reportKey(file),
    JSON.stringify(reportDocument(file.id, report)),
    'application/json',
  );
  return verdict(report);
}

const useOf = ({ purpose }: StoredFile): DatasetUse => (purpose === 'evals' ? 'evaluation' : 'training');

const LOST = 'The bytes of the file are not there. Upload it again.';
const GAVE_UP =
  'The check of this file did not come to its end, by our fault. Delete it and upload it again, in parts if it is large.';

async function finish(
  { files, objects }: FileDesk,
  file: StoredFile,
  status: Verdict,
): Promise<StoredFile | undefined> {
  if (await files.setStatus(file, status)) return { ...file, ...status };
  await objects.remove(reportKey(file));
  return undefined;
}

function verdict({ faults }: DatasetReport): Verdict {
  const [first] = faults.shown;
  if (first === undefined) return { status: 'processed', statusDetails: null };
  const count = faults.count === 1 ? '1 mistake' : `${faults.count} mistakes, the first`;
  return { status: 'error', statusDetails: `${count} in line ${first.line}: ${first.message} ${first.fix}` };
}
