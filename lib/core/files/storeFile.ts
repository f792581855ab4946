import { checkFile } from './checkFile.ts';
import { FILE_LIMITS } from './limits.ts';
import type { FileIntake } from './ports.ts';
import { contentKey, type StoredFile } from './types.ts';

export type NewFile = Pick<StoredFile, 'tenantId' | 'filename' | 'purpose'> & {
  readonly content: Uint8Array;
};

/** Stores a file that came with its request. The bytes first: a record without them would promise too much. */
export async function storeFile(intake: FileIntake, { content, ...given }: NewFile): Promise<StoredFile> {
  const file: StoredFile = {
    ...given,
    id: intake.world.newId('file'),
    bytes: content.length,
    status: 'uploaded',
    statusDetails: null,
    createdAtMs: intake.world.clock(),
  };
  await intake.objects.put(contentKey(file), content, 'application/jsonl');
  await intake.files.create(file);
  return startCheck(intake, file);
}

/** Checks a small file now and has a larger one checked. */
export async function startCheck(intake: FileIntake, file: StoredFile): Promise<StoredFile> {
  if (file.bytes <= FILE_LIMITS.checkedAtOnceBytes) return (await checkFile(intake, file)) ?? file;
  if (file.status === 'uploaded') await intake.checks.send({ tenantId: file.tenantId, fileId: file.id });
  return file;
}
