import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { checkFile } from './checkFile.ts';
import type { FileDesk } from './ports.ts';

const Message = z.object({ tenantId: idSchema<TenantId>('tenant'), fileId: idSchema<FileId>('file') });

/** Checks the file that a queue's message names. A file that is gone needs no check. Throws when the message is none of ours. */
export async function receiveCheck(desk: FileDesk, body: string): Promise<void> {
  const { tenantId, fileId } = z.parse(Message, JSON.parse(body));
  const file = await desk.files.read(tenantId, fileId);
  if (file !== undefined) await checkFile(desk, file);
}
