import type { AdapterStore } from '#core/adapters/ports.ts';
import type { AdapterStatus, AdapterUse } from '#core/adapters/types.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { componentName, type WantedVersion } from './resolveVersion.ts';
import type { ModelVersion } from './types.ts';

export type VersionRefused =
  /** The tenant has no such adapter; another tenant's is none. */
  | { readonly code: 'adapter_not_found'; readonly adapterId: AdapterId }
  | { readonly code: 'adapter_of_another_base'; readonly adapterId: AdapterId; readonly baseModel: string }
  /** It is deployed on another endpoint than the version says. */
  | { readonly code: 'adapter_elsewhere'; readonly adapterId: AdapterId; readonly endpoint: string | null }
  | {
      readonly code: 'adapter_not_deployed';
      readonly adapterId: AdapterId;
      readonly status: Exclude<AdapterStatus, 'deployed'>;
    };

/**
 * Whether a version may answer: its adapter is the tenant's own, of this base, and proven on the endpoint. What runs
 * on an OpenAI-compatible server, or under an inference component that the agency named by hand, the registry does
 * not know: that is the agency's own care, and no use of an adapter (null).
 */
export async function checkVersion(
  { adapters }: { readonly adapters: Pick<AdapterStore, 'read'> },
  tenantId: TenantId,
  version: ModelVersion,
): Promise<Result<AdapterUse | null, VersionRefused>> {
  const { adapterId, baseModel, engine } = version;
  if (adapterId === null || engine?.kind === 'openai') return ok(null);
  const adapter = await adapters.read(tenantId, adapterId);
  if (adapter === undefined) {
    return version.inferenceComponentName === componentName(version)
      ? err({ code: 'adapter_not_found', adapterId })
      : ok(null);
  }
  if (adapter.baseModel !== baseModel) {
    return err({ code: 'adapter_of_another_base', adapterId, baseModel: adapter.baseModel });
  }
  if (adapter.status === 'deployed') {
    const { endpoint = null } = adapter;
    return endpoint === (engine?.endpoint ?? null)
      ? ok({ tenantId, adapterId, endpoint })
      : err({ code: 'adapter_elsewhere', adapterId, endpoint });
  }
  return err({ code: 'adapter_not_deployed', adapterId, status: adapter.status });
}

/** A wanted version whose engine is not named runs where the registry has its adapter. */
export async function whereDeployed(
  { adapters }: { readonly adapters: Pick<AdapterStore, 'read'> },
  tenantId: TenantId,
  wanted: WantedVersion,
): Promise<WantedVersion> {
  const { adapterId, engine } = wanted;
  if (adapterId === undefined || adapterId === null || engine !== undefined) return wanted;
  const adapter = await adapters.read(tenantId, adapterId);
  if (adapter === undefined) return wanted;
  const { endpoint } = adapter;
  return { ...wanted, engine: endpoint === undefined ? null : { kind: 'sagemaker', endpoint } };
}
