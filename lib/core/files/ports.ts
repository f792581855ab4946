import type { DatasetTools } from '#core/datasets/ports.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import type { World } from '#core/shared/world.ts';
import type { FilePurpose, PendingUpload, StoredFile } from './types.ts';

export type FileListing = {
  readonly limit: number;
  readonly cursor?: string;
  readonly newestFirst: boolean;
  readonly purpose?: FilePurpose;
};

/** The records of files and of uploads. Every one is found by its tenant and its id together. */
export type FileStore = {
  readonly create: (file: StoredFile) => Promise<void>;
  readonly read: (tenantId: TenantId, id: FileId) => Promise<StoredFile | undefined>;
  /** After the file that `cursor` names, at most 100. */
  readonly list: (
    tenantId: TenantId,
    listing: FileListing,
  ) => Promise<{ readonly files: readonly StoredFile[]; readonly more: boolean }>;
  /** False when the file is gone. */
  readonly setStatus: (
    file: StoredFile,
    status: Pick<StoredFile, 'status' | 'statusDetails'>,
  ) => Promise<boolean>;
  /** False when there was none. */
  readonly remove: (tenantId: TenantId, id: FileId) => Promise<boolean>;
  readonly createUpload: (upload: PendingUpload) => Promise<void>;
  readonly readUpload: (tenantId: TenantId, id: FileId) => Promise<PendingUpload | undefined>;
  /** Makes an upload a file, once: false when it is one already, or is not known. */
  readonly completeUpload: (file: StoredFile) => Promise<boolean>;
};

export type PresignedForm = { readonly url: string; readonly fields: Readonly<Record<string, string>> };

/** The bytes of files. */
export type FileObjects = {
  readonly put: (key: string, body: Uint8Array | string, contentType: string) => Promise<void>;
  /** Undefined when there is no object. */
  readonly size: (key: string) => Promise<number | undefined>;
  readonly read: (key: string) => Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes what is there; what is not is no error. */
  readonly remove: (key: string) => Promise<void>;
  /** Copies within the store, then removes the original. */
  readonly move: (from: string, to: string) => Promise<void>;
  /** A form that takes one object of 1 to `maxBytes` bytes at exactly this key. */
  readonly presignForm: (key: string, maxBytes: number, seconds: number) => Promise<PresignedForm>;
  /** A link that answers the object as a download of this name. */
  readonly presignDownload: (key: string, filename: string, seconds: number) => Promise<string>;
};

/** A file that waits to be checked. */
export type CheckMessage = { readonly tenantId: TenantId; readonly fileId: FileId };
export type CheckQueue = {
  /** `delaySeconds` ≤ 900: the message is seen no sooner. */
  readonly send: (message: CheckMessage, delaySeconds?: number) => Promise<void>;
};

/** What files work with. The tools bring a tokenizer, so they are made when first needed. */
export type FileDesk = {
  readonly world: World;
  readonly files: FileStore;
  readonly objects: FileObjects;
  readonly tools: () => Promise<DatasetTools>;
};
export type FileIntake = FileDesk & { readonly checks: CheckQueue };
