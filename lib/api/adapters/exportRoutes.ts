import { idParam, toSeconds } from '#api/control/fields.ts';
import { callingTenant } from '#api/edge/authorize.ts';
import { type ApiResponse, refuse, respond } from '#api/http.ts';
import type { AdapterRef } from '#core/adapters/changeAdapter.ts';
import { exportAdapter as pack } from '#core/adapters/exportAdapter.ts';
import type { AdapterDesk } from '#core/adapters/ports.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import type { AdapterRouteHandler } from './dispatchAdapters.ts';
import { ADAPTER_NOT_FOUND, adapterRef } from './fields.ts';

/** `POST /admin/tenants/{tenant}/adapters/{adapter}/export` → a link to the archive, good for five minutes. */
export const exportAdapter: AdapterRouteHandler = (deps, request) => exported(deps, adapterRef(request));

/** `POST /adapters/{adapter}/export`, the same for the calling tenant's own. */
export const exportOwnAdapter: AdapterRouteHandler = (deps, request) => {
  const adapterId = idParam<AdapterId>(request, 'adapter', 'adapter');
  return exported(
    deps,
    adapterId === undefined ? undefined : { tenantId: callingTenant(request), adapterId },
  );
};

async function exported(deps: AdapterDesk, ref: AdapterRef | undefined): Promise<ApiResponse> {
  const packed = ref === undefined ? undefined : await pack(deps, ref);
  if (packed === undefined) return refuse(ADAPTER_NOT_FOUND);
  return respond(200, {
    object: 'adapter.export',
    adapter: packed.adapter.id,
    url: packed.url,
    bytes: packed.bytes,
    sha256: packed.sha256,
    expires_at: toSeconds(packed.expiresAtMs),
  });
}
