import type { AdapterStore } from '#core/adapters/ports.ts';
import type { Adapter } from '#core/adapters/types.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';

/** An adapter as the registry has it when it was proven to answer. */
export const aDeployedAdapter = (tenantId: string, id: string, over: Partial<Adapter> = {}): Adapter => ({
  id: id as AdapterId,
  tenantId: tenantId as TenantId,
  baseModel: 'tunegate-nano',
  baseSha256: '0'.repeat(64),
  content: { configSha256: '0'.repeat(64), weightsSha256: '0'.repeat(64), weightsBytes: 1, rank: 8 },
  lineage: {
    source: 'upload',
    jobId: null,
    dataset: null,
    hyperParameters: {},
    metrics: {},
    versions: {},
    trainedSeconds: null,
  },
  probes: [],
  fingerprint: null,
  status: 'deployed',
  statusDetails: null,
  version: 1,
  createdAtMs: 0,
  statusAtMs: 0,
  ...over,
});

/** Puts adapters into the registry as deployed, past scan and proof. */
export async function registerDeployed(
  adapters: Pick<AdapterStore, 'create'>,
  tenantId: string,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) await adapters.create(aDeployedAdapter(tenantId, id), {});
}
