import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { checkFile, giveUpCheck } from './checkFile.ts';
import type { FileDesk } from './ports.ts';

const Message = z.object({ tenantId: idSchema<TenantId>('tenant'), fileId: idSchema<FileId>('file') });

/**
 * Checks the file that a queue's message names. A file that is gone needs no check. `isLastTry`: the queue will not
 * deliver the message again, and whoever tried before died; the file is given up, so that its client does not wait for
 * ever. Throws then, for the operator's sake, and when the message is none of ours.
 */
export async function receiveCheck(
  desk: FileDesk,
  { body, isLastTry }: { readonly body: string; readonly isLastTry: boolean },
): Promise<void> {
  const { tenantId, fileId } = z.parse(Message, JSON.parse(body));
  const file = await desk.files.read(tenantId, fileId);
  if (file?.status !== 'uploaded') return;
  if (!isLastTry) return void (await checkFile(desk, file));
  await giveUpCheck(desk, file);
  throw new Error(`the check of ${fileId} died each time, and the file was given up`);
}
