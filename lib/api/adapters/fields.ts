import { idParam, toSeconds } from '#api/control/fields.ts';
import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import type { AdapterRef } from '#core/adapters/changeAdapter.ts';
import { type Adapter, componentNameOf, type Lineage, type Outage } from '#core/adapters/types.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';

/** The adapter of the agency's path; undefined when it cannot be one. */
export function adapterRef(request: ApiRequest): AdapterRef | undefined {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const adapterId = idParam<AdapterId>(request, 'adapter', 'adapter');
  return tenantId === undefined || adapterId === undefined ? undefined : { tenantId, adapterId };
}

/** An adapter as the API shows it. */
export const adapterBody = (adapter: Adapter) => ({
  id: adapter.id,
  object: 'adapter',
  status: adapter.status,
  status_details: adapter.statusDetails,
  model_names: adapter.modelNames ?? [],
  endpoint: adapter.endpoint ?? null,
  move: adapter.move === undefined ? null : { state: adapter.move.state, endpoint: adapter.move.endpoint },
  /** It was in service and is not; it is loaded anew by itself until `next_try_at` is null and it has failed. */
  outage: adapter.outage === undefined ? null : outageBody(adapter.outage),
  base_model: adapter.baseModel,
  base_sha256: adapter.baseSha256,
  inference_component_name: componentNameOf(adapter.id, adapter.endpoint),
  rank: adapter.content.rank,
  bytes: adapter.content.weightsBytes,
  sha256: { config: adapter.content.configSha256, weights: adapter.content.weightsSha256 },
  lineage: lineageBody(adapter.lineage),
  fingerprint: fingerprintBody(adapter),
  created_at: toSeconds(adapter.createdAtMs),
  status_at: toSeconds(adapter.statusAtMs),
});

const outageBody = ({ sinceMs, why, tries, nextTryAtMs }: Outage) => ({
  since: toSeconds(sinceMs),
  why,
  tries,
  next_try_at: nextTryAtMs === null ? null : toSeconds(nextTryAtMs),
});

const lineageBody = (lineage: Lineage) => ({
  source: lineage.source,
  fine_tuning_job: lineage.jobId,
  checkpoint: lineage.checkpoint ?? null,
  dataset:
    lineage.dataset === null
      ? null
      : {
          sha256: lineage.dataset.sha256,
          validation_sha256: lineage.dataset.validationSha256,
          examples: lineage.dataset.examples,
        },
  hyper_parameters: lineage.hyperParameters,
  metrics: lineage.metrics,
  versions: lineage.versions,
  trained_seconds: lineage.trainedSeconds,
});

/** How it was told from its base, probe by probe; null until it was deployed once. */
const fingerprintBody = ({ fingerprint, probes }: Adapter) =>
  fingerprint === null
    ? null
    : {
        answers_compared: fingerprint.asked,
        proven_at: toSeconds(fingerprint.provenAtMs),
        probes: probes.map(({ messages }, at) => ({
          messages,
          adapter: fingerprint.answers[at] ?? null,
          base: fingerprint.baseAnswers[at] ?? null,
        })),
      };

export const ADAPTER_NOT_FOUND: ApiError = {
  code: 'not_found',
  message: 'There is no such adapter. The list of adapters shows those there are.',
};
