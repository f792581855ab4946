import type { AdapterId, AdapterUploadId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { stableHash } from '#core/shared/stableHash.ts';

/**
 * Where an adapter stands.
 * - `registered`: scanned and kept; no endpoint has it
 * - `deploying`: it is being loaded, or waits to be proven
 * - `deployed`: proven to answer, on every copy of its base; may be put behind a model name
 * - `failed`: could not be loaded or proven; `statusDetails` says why
 * - `retired`: taken out of service for good, unless the same content is registered again
 */
export const ADAPTER_STATUSES = ['registered', 'deploying', 'deployed', 'failed', 'retired'] as const;
export type AdapterStatus = (typeof ADAPTER_STATUSES)[number];

/** Where an adapter comes from. What a trainer claims in `lineage.json` stands beside what we know ourselves. */
export type Lineage = {
  readonly source: 'training_job' | 'upload';
  readonly jobId: TrainingJobId | null;
  /** The epoch's end at which it was kept; absent: it is what its training made. */
  readonly checkpoint?: { readonly epoch: number; readonly step: number };
  /** The dataset version by its hash; null where nobody said. */
  readonly dataset: {
    readonly sha256: string;
    readonly validationSha256: string | null;
    readonly examples: number | null;
  } | null;
  /** The trainer's settings, as it wrote them. */
  readonly hyperParameters: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, number>>;
  /** Of the libraries that trained it. */
  readonly versions: Readonly<Record<string, string>>;
  readonly trainedSeconds: number | null;
};

/** The files that serve, by their content. Both are written by us: nothing of an archive is served as it came. */
export type AdapterContent = {
  /** Of `adapter_config.json`. */
  readonly configSha256: string;
  /** Of `adapter_model.safetensors`. */
  readonly weightsSha256: string;
  readonly weightsBytes: number;
  readonly rank: number;
};

export type ProbeMessage = { readonly role: 'system' | 'user' | 'assistant'; readonly content: string };
/** Something to ask that an adapter answers otherwise than its base. */
export type Probe = { readonly messages: readonly ProbeMessage[] };

/** How an adapter is told from its base and from others: greedy answers to the probes, in their order. */
export type Fingerprint = {
  readonly answers: readonly string[];
  readonly baseAnswers: readonly string[];
  /** Answers that were compared, over all copies, when it was proven last. */
  readonly asked: number;
  readonly provenAtMs: number;
};

/**
 * A deployed adapter on its way between two endpoints. `coming`: it is loaded and proven at this one, and answers
 * where it was. `leaving`: it has come over, and this one's component stays until no call can be under way there.
 */
export type AdapterMove = {
  readonly state: 'coming' | 'leaving';
  /** By its short name; null: the shared one. */
  readonly endpoint: string | null;
  readonly sinceMs: number;
};

/**
 * A deployed adapter that was found not to serve, from then until it is proven again. It is loaded anew by itself, a few
 * times, with growing pauses.
 */
export type Outage = {
  readonly sinceMs: number;
  readonly why: string;
  /** How often it was begun to be loaded anew. */
  readonly tries: number;
  /** When the next try begins; null: one is under way, or the last one failed (`failed`) and a person has to look. */
  readonly nextTryAtMs: number | null;
};

/** One version of a model, for ever: its id is made of its tenant and its content. */
export type Adapter = {
  readonly id: AdapterId;
  readonly tenantId: TenantId;
  readonly baseModel: string;
  readonly baseSha256: string;
  readonly content: AdapterContent;
  readonly lineage: Lineage;
  readonly probes: readonly Probe[];
  /** Null until it was proven for the first time. */
  readonly fingerprint: Fingerprint | null;
  /** Model names of its own, of the checkpoints that it is: they lead to it as long as it is deployed. Absent: none. */
  readonly modelNames?: readonly string[];
  /** It came into service, and is still to be given its own names. */
  readonly unnamed?: true;
  readonly status: AdapterStatus;
  readonly statusDetails: string | null;
  /** The tenant's own endpoint, by its short name, that it is deployed on or was last; absent: the shared one. */
  readonly endpoint?: string;
  /** Absent: it stays where it is. */
  readonly move?: AdapterMove;
  /** Absent: it serves, or was never to. */
  readonly outage?: Outage;
  /** Grows by one with each change: the optimistic lock. */
  readonly version: number;
  readonly createdAtMs: number;
  /** When it came into its status. */
  readonly statusAtMs: number;
};

/**
 * An adapter that a model is about to be led to, and where. The write that leads it there holds only while the adapter
 * is deployed there, and changes the adapter's version: whoever takes it down at that moment has to look again.
 */
export type AdapterUse = {
  readonly tenantId: TenantId;
  readonly adapterId: AdapterId;
  /** Null: the shared one. */
  readonly endpoint: string | null;
};

type Named = Pick<Adapter, 'tenantId' | 'id'>;

/** What is left of the 63 characters of a component's name behind an adapter's id and a hyphen. */
const ENDPOINT_CHARACTERS = 18;
const HASH_CHARACTERS = 8;

/**
 * SageMaker's name of an adapter's inference component on an endpoint (absent: the shared one). Names have no
 * underscores and are unique in an account, so that an adapter that moves has two for a while. Never reused.
 */
export const componentNameOf = (id: AdapterId, endpoint?: string): string =>
  [id.replaceAll('_', '-'), ...(endpoint === undefined ? [] : [shortened(endpoint)])].join('-');

function shortened(endpoint: string): string {
  if (endpoint.length <= ENDPOINT_CHARACTERS) return endpoint;
  const start = endpoint.slice(0, ENDPOINT_CHARACTERS - HASH_CHARACTERS - 1);
  return `${start}-${stableHash(endpoint).toString(16).padStart(HASH_CHARACTERS, '0')}`;
}

/** The adapter on another endpoint; null: the shared one. */
export function placedAt({ endpoint: _, ...adapter }: Adapter, endpoint: string | null): Adapter {
  return endpoint === null ? adapter : { ...adapter, endpoint };
}

const folder = ({ tenantId, id }: Named): string => `tenants/${tenantId}/adapters/${id}`;
/** What SageMaker serves. */
export const archiveKey = (adapter: Named): string => `${folder(adapter)}/adapter.tar.gz`;
/** What the client takes away. */
export const exportKey = (adapter: Named): string => `${folder(adapter)}/export.tar.gz`;
/** Where a presigned form puts an archive that is to be registered. */
export const uploadedArchiveKey = (tenantId: TenantId, uploadId: AdapterUploadId): string =>
  `tenants/${tenantId}/adapter-uploads/${uploadId}`;
