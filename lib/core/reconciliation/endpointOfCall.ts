import type { ModelVersion } from '#core/routing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { EndpointOfCall } from './ports.ts';

/**
 * Finds a call's endpoint by the version that answered it, as the tenant's models have them now. Of a version that no
 * model has any longer the shared endpoint is assumed. Each tenant's models are read once.
 */
export function makeEndpointOfCall(
  directory: Pick<Directory, 'listModels'>,
  sharedEndpoint: string,
): EndpointOfCall {
  const known = new Map<TenantId, ReadonlyMap<string, ModelVersion>>();
  return async (tenantId, { model, version }) => {
    let versions = known.get(tenantId);
    if (versions === undefined) {
      versions = await versionsOf(directory, tenantId);
      known.set(tenantId, versions);
    }
    const engine = versions.get(`${model}\n${version}`)?.engine;
    if (engine === undefined) return sharedEndpoint;
    return engine.kind === 'sagemaker' ? `${sharedEndpoint}-${engine.endpoint}` : undefined;
  };
}

async function versionsOf(
  directory: Pick<Directory, 'listModels'>,
  tenantId: TenantId,
): Promise<ReadonlyMap<string, ModelVersion>> {
  const versions = new Map<string, ModelVersion>();
  for (const route of await directory.listModels(tenantId)) {
    const { canary, shadow, former = [] } = route.rollout ?? {};
    const all = [...former, ...(shadow ? [shadow.version] : []), ...(canary ? [canary.version] : []), route];
    for (const version of all)
      versions.set(`${route.alias}\n${version.adapterId ?? version.baseModel}`, version);
  }
  return versions;
}
