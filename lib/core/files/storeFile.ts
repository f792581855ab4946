import { checkContent } from './checkFile.ts';
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
  if (isSmall(file)) {
    const checked = { ...file, ...(await checkContent(intake, file)) };
    await intake.files.create(checked);
    return checked;
  }
  await askForCheckLater(intake, file);
  await intake.files.create(file);
  return askForCheck(intake, file);
}

/** Small files are checked before the answer. */
export const isSmall = ({ bytes }: Pick<StoredFile, 'bytes'>): boolean =>
  bytes <= FILE_LIMITS.checkedAtOnceBytes;

/** Has a file checked that was not yet. */
export async function askForCheck({ checks }: FileIntake, file: StoredFile): Promise<StoredFile> {
  if (file.status === 'uploaded') await checks.send({ tenantId: file.tenantId, fileId: file.id });
  return file;
}

/**
 * Asked before there is a record that says `uploaded`: whoever writes that may die before it asks for the check, and
 * then nobody else would.
 */
export const askForCheckLater = (
  { checks }: FileIntake,
  { tenantId, id }: Pick<StoredFile, 'tenantId' | 'id'>,
) => checks.send({ tenantId, fileId: id }, FILE_LIMITS.secondMessageSeconds);
