import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { FileStore } from '#core/files/ports.ts';
import { FILE_PURPOSES, type FilePurpose, type PendingUpload, type StoredFile } from '#core/files/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { makeTableReader } from './tableReader.ts';
import { updateOf, writeTogether } from './writeTogether.ts';

// In the directory's table: `files#<tenant>` / `<id>`, by purpose in the index under `files#<tenant>#<purpose>`;
// uploads that are not completed as `uploads#<tenant>` / `<id>`, so that no list of files meets them.
const fileList = (tenantId: TenantId, purpose?: FilePurpose) =>
  purpose === undefined ? `files#${tenantId}` : `files#${tenantId}#${purpose}`;
const fileKey = (tenantId: TenantId, id: FileId) => ({ pk: fileList(tenantId), sk: id });
const uploadKey = (tenantId: TenantId, id: FileId) => ({ pk: `uploads#${tenantId}`, sk: id });

const fileItem = (file: StoredFile) => ({
  ...fileKey(file.tenantId, file.id),
  listPk: fileList(file.tenantId, file.purpose),
  listSk: file.id,
  ...file,
});
const uploadItem = (upload: PendingUpload) => ({ ...uploadKey(upload.tenantId, upload.id), ...upload });

const named = {
  id: idSchema<FileId>('file'),
  tenantId: idSchema<TenantId>('tenant'),
  filename: z.string(),
  purpose: z.enum(FILE_PURPOSES),
  createdAtMs: z.int(),
};
const FileItem = z.object({
  ...named,
  bytes: z.int(),
  status: z.enum(['uploaded', 'processed', 'error']),
  statusDetails: z.nullable(z.string()),
});
const UploadItem = z.object({ ...named, maxBytes: z.int() });

const THERE = 'attribute_exists(pk)';
const NOT_THERE = 'attribute_not_exists(pk)';

/** Files' records on the directory's table. */
export function makeFileStore(client: DynamoDBDocumentClient, table: string): FileStore {
  const { get, queryPage } = makeTableReader(client, table);
  const write = writeTogether(client, table);
  return {
    create: async (file) => {
      await write([{ Put: { Item: fileItem(file), ConditionExpression: NOT_THERE } }]);
    },
    read: async (tenantId, id) => {
      const item = await get(fileKey(tenantId, id));
      return item === undefined ? undefined : z.parse(FileItem, item);
    },
    list: async (tenantId, { purpose, newestFirst, ...page }) => {
      const list = { partition: fileList(tenantId, purpose), indexed: purpose !== undefined, newestFirst };
      const { items, more } = await queryPage(list, page);
      return { files: items.map((item) => z.parse(FileItem, item)), more };
    },
    setStatus: ({ tenantId, id }, status) =>
      write([
        { Update: { Key: fileKey(tenantId, id), ...updateOf({ ...status }), ConditionExpression: THERE } },
      ]),
    remove: (tenantId, id) => write([{ Delete: { Key: fileKey(tenantId, id), ConditionExpression: THERE } }]),
    createUpload: async (upload) => {
      await write([{ Put: { Item: uploadItem(upload), ConditionExpression: NOT_THERE } }]);
    },
    readUpload: async (tenantId, id) => {
      const item = await get(uploadKey(tenantId, id));
      return item === undefined ? undefined : z.parse(UploadItem, item);
    },
    completeUpload: (file) =>
      write([
        { Delete: { Key: uploadKey(file.tenantId, file.id), ConditionExpression: THERE } },
        { Put: { Item: fileItem(file), ConditionExpression: NOT_THERE } },
      ]),
  };
}
