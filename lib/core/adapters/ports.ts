import type { RolloutStore } from '#core/routing/ports.ts';
import type { AdapterId, AdapterUploadId, TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import type { AuditRecord, Directory, PageRequest } from '#core/tenants/ports.ts';
import type { ImportMessage, JobDesk } from '#core/training/ports.ts';
import type { ArchiveRefused } from './archiveRules.ts';
import type { AdaptableBase } from './bases.ts';
import type { Adapter, AdapterContent, Lineage, Probe } from './types.ts';

/** The records of adapters. Every one is found by its tenant and its id together; reads are strongly consistent. */
export type AdapterStore = {
  /** Registers an adapter, its upload's marker and its audit record together. False when one of this id is there. */
  readonly create: (
    adapter: Adapter,
    by: { readonly uploadId?: AdapterUploadId; readonly audit?: AuditRecord },
  ) => Promise<boolean>;
  readonly read: (tenantId: TenantId, id: AdapterId) => Promise<Adapter | undefined>;
  /** The adapter that an upload became. */
  readonly findUploaded: (tenantId: TenantId, uploadId: AdapterUploadId) => Promise<AdapterId | undefined>;
  /** Newest first, at most `limit` (≤ 100). One made a moment ago may be missing. */
  readonly list: (
    tenantId: TenantId,
    page: PageRequest,
  ) => Promise<{ readonly adapters: readonly Adapter[]; readonly nextCursor: string | null }>;
  /** Replaces `before` with its next version, with an audit record. False when it has changed meanwhile. */
  readonly change: (before: Adapter, after: Adapter, audit?: AuditRecord) => Promise<boolean>;
};

/** An archive that was scanned and found harmless; it lies unpacked until the scan's end. */
export type ScannedArchive = {
  readonly content: AdapterContent;
  readonly lineage: Lineage;
  /** Puts an archive of the files that serve, and nothing else, under this key. */
  readonly store: (key: string) => Promise<void>;
};

export type PresignedForm = { readonly url: string; readonly fields: Readonly<Record<string, string>> };

/** One file of an export; `path` is where it stands in it. */
export type ExportedText = { readonly path: string; readonly text: string };

/** Adapters' archives in the tenant data bucket. */
export type AdapterArchives = {
  /** Unpacks, judges and hands over an archive; what was unpacked is gone afterwards. Undefined: there is no object. */
  readonly scan: <T>(
    key: string,
    base: AdaptableBase,
    use: (scanned: ScannedArchive) => Promise<T>,
  ) => Promise<Result<T, ArchiveRefused> | undefined>;
  readonly remove: (key: string) => Promise<void>;
  /** The keys of the first 100 objects under a prefix. */
  readonly list: (prefix: string) => Promise<readonly string[]>;
  /** A form that takes one object of 1 to `maxBytes` bytes at exactly this key. */
  readonly presignForm: (key: string, maxBytes: number, seconds: number) => Promise<PresignedForm>;
  readonly presignDownload: (key: string, filename: string, seconds: number) => Promise<string>;
  /** The first lines of the first objects under a prefix, without reading them to the end. */
  readonly firstLines: (prefix: string, count: number) => Promise<readonly string[]>;
  /**
   * Writes an export: the adapter as PEFT and as GGUF, every object under the folders named, the texts, and the
   * checksums of all. Answers its size and SHA-256. The same content and time make the same bytes: who fetches one
   * export while another is written gets what was promised.
   */
  readonly writeExport: (exported: {
    readonly archiveKey: string;
    readonly base: AdaptableBase;
    readonly folders: Readonly<Record<string, string>>;
    readonly texts: readonly ExportedText[];
    /** What its files say of when they were made. */
    readonly atMs: number;
    readonly to: string;
  }) => Promise<{ readonly bytes: number; readonly sha256: string }>;
};

/** An adapter on the endpoint, as DescribeInferenceComponent tells it. */
export type ComponentState = {
  readonly status: 'creating' | 'in_service' | 'failed' | 'deleting';
  readonly failureReason: string | null;
};

/** `busy`: SageMaker does something else with it, or throttles: again later. `quota`: no room on the endpoint. */
export type EndpointRefused = {
  readonly code: 'busy' | 'quota' | 'invalid';
  readonly message: string;
};

export type ProbeAnswer = {
  /** What the engine says answered. */
  readonly model: string | null;
  readonly text: string;
};

/**
 * The endpoints that serve bases and adapters: the shared one, and by its short name that of a tenant. Each call may be
 * repeated; each throws what the network throws.
 */
export type AdapterEndpoint = {
  /** Undefined: it has no such component. */
  readonly describe: (componentName: string) => Promise<ComponentState | undefined>;
  /** `exists`: created by an attempt whose answer was lost. */
  readonly create: (
    componentName: string,
    archiveKey: string,
    endpoint?: string,
  ) => Promise<Result<'created' | 'exists', EndpointRefused>>;
  /** One that is not there is no error. */
  readonly remove: (componentName: string) => Promise<Result<'removing' | 'gone', EndpointRefused>>;
  /** Copies of the base that may answer, each with the adapter loaded. */
  readonly copies: (endpoint?: string) => Promise<number>;
  /** Asks greedily. Null: the bare base. `loading`: nothing is awake to answer, or it failed to. */
  readonly ask: (
    adapterId: AdapterId | null,
    probe: Probe,
    endpoint?: string,
  ) => Promise<Result<ProbeAnswer, { readonly code: 'loading' | 'ask_failed'; readonly message: string }>>;
};

/** All endpoints from above, for whoever looks at hundreds of adapters at once. */
export type EndpointOverview = Pick<AdapterEndpoint, 'copies'> & {
  /** Every adapter's component by its name. Throws when there are more than an account can have. */
  readonly list: () => Promise<ReadonlyMap<string, ComponentState['status']>>;
};

/** Copies of an endpoint's base when they were seen last, and when there were more than the time before. */
export type SeenCopies = { readonly copies: number; readonly grownAtMs: number };

/** What is remembered of endpoints' copies. Null: the shared endpoint. */
export type CopiesBook = {
  readonly read: (endpoint: string | null) => Promise<SeenCopies | undefined>;
  readonly write: (endpoint: string | null, seen: SeenCopies) => Promise<void>;
};

/** What happens to an adapter: one message is one look at it. `round` counts the looks so far. */
export type AdapterMessage =
  | (ImportMessage & { readonly adapterId?: AdapterId; readonly round?: number })
  | {
      readonly kind: 'deploy' | 'undeploy';
      readonly tenantId: TenantId;
      readonly adapterId: AdapterId;
      readonly round?: number;
    }
  /** From the watch: prove it again where it was proven before `provenSinceMs`. */
  | {
      readonly kind: 'watch';
      readonly tenantId: TenantId;
      readonly adapterId: AdapterId;
      readonly provenSinceMs: number;
      readonly round?: number;
    };
export type AdapterQueue = {
  /** `delaySeconds` ≤ 900. */
  readonly send: (message: AdapterMessage, delaySeconds?: number) => Promise<void>;
};

/** What the registry works with. */
export type AdapterDesk = {
  readonly world: World;
  readonly adapters: AdapterStore;
  readonly archives: AdapterArchives;
  readonly queue: AdapterQueue;
  readonly directory: Pick<Directory, 'readTenant' | 'listModels'>;
  readonly sha256: (text: string) => string;
};

/** What deploying works with. */
export type DeployDesk = Omit<AdapterDesk, 'directory'> & {
  readonly directory: Directory;
  readonly jobs: JobDesk;
  /** Where models lead, to lead them after an adapter that moves. */
  readonly rollouts: Pick<RolloutStore, 'replace'>;
  readonly endpoint: AdapterEndpoint;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** An adapter could not be deployed: somebody is to be told. */
  readonly countFailure: () => void;
};
