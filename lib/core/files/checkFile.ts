import { checkDataset, type DatasetUse } from '#core/datasets/checkDataset.ts';
import { reportDocument } from '#core/datasets/reportDocument.ts';
import type { DatasetReport } from '#core/datasets/types.ts';
import type { FileDesk } from './ports.ts';
import { contentKey, reportKey, type StoredFile } from './types.ts';

/**
 * Checks a file, keeps its report and says in its record how it ended. A file that is checked already stays as it
 * is. The file as it is afterwards; undefined when it was deleted meanwhile, and then nothing of it remains.
 */
export async function checkFile(desk: FileDesk, file: StoredFile): Promise<StoredFile | undefined> {
  if (file.status !== 'uploaded') return file;
  const bytes = await desk.objects.read(contentKey(file));
  if (bytes === undefined) return finish(desk, file, { status: 'error', statusDetails: LOST });
  const report = await checkDataset(bytes, await desk.tools(), useOf(file));
  await desk.objects.put(
    reportKey(file),
    JSON.stringify(reportDocument(file.id, report)),
    'application/json',
  );
  return finish(desk, file, verdict(report));
}

const useOf = ({ purpose }: StoredFile): DatasetUse => (purpose === 'evals' ? 'evaluation' : 'training');

const LOST = 'The bytes of the file are not there. Upload it again.';

async function finish(
  { files, objects }: FileDesk,
  file: StoredFile,
  status: Pick<StoredFile, 'status' | 'statusDetails'>,
): Promise<StoredFile | undefined> {
  if (await files.setStatus(file, status)) return { ...file, ...status };
  await objects.remove(reportKey(file));
  return undefined;
}

function verdict({ faults }: DatasetReport): Pick<StoredFile, 'status' | 'statusDetails'> {
  const [first] = faults.shown;
  if (first === undefined) return { status: 'processed', statusDetails: null };
  const count = faults.count === 1 ? '1 mistake' : `${faults.count} mistakes, the first`;
  return { status: 'error', statusDetails: `${count} in line ${first.line}: ${first.message} ${first.fix}` };
}
