import type { FileId, TenantId } from '#core/shared/ids.ts';

export const FILE_PURPOSES = ['fine-tune', 'evals'] as const;
export type FilePurpose = (typeof FILE_PURPOSES)[number];

export type StoredFile = {
  readonly id: FileId;
  readonly tenantId: TenantId;
  readonly filename: string;
  readonly purpose: FilePurpose;
  readonly bytes: number;
  /** `uploaded` until it was checked. */
  readonly status: 'uploaded' | 'processed' | 'error';
  /** Of an `error`: how many mistakes there are, and the first. */
  readonly statusDetails: string | null;
  readonly createdAtMs: number;
};

/** A presigned upload that is not completed yet. */
export type PendingUpload = Pick<StoredFile, 'id' | 'tenantId' | 'filename' | 'purpose'> & {
  /** At most so many bytes will be taken. */
  readonly maxBytes: number;
  readonly createdAtMs: number;
};

type Named = Pick<StoredFile, 'tenantId' | 'id'>;
const folder = ({ tenantId, id }: Named): string => `tenants/${tenantId}/files/${id}`;

/** Where a file's bytes and report are. Everything of a tenant is under its own prefix. */
export const contentKey = (file: Named): string => `${folder(file)}/content.jsonl`;
/** Where a presigned upload puts its bytes: not where the file's are, so that its form cannot change them later. */
export const uploadKey = ({ tenantId, id }: Named): string => `tenants/${tenantId}/uploads/${id}`;
export const reportKey = (file: Named): string => `${folder(file)}/report.json`;
