import * as z from 'zod/mini';
import { actOf, idParam, reasonField, toSeconds } from '#api/control/fields.ts';
import { TENANT_NOT_FOUND } from '#api/control/tenantRefusals.ts';
import { readBody } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { DEFAULT_PROBES, PROBE_LIMITS, probeSchema } from '#core/adapters/probes.ts';
import type { NotRegistered } from '#core/adapters/registerAdapter.ts';
import { openAdapterUpload, registerUpload, UPLOAD_LIMITS } from '#core/adapters/uploads.ts';
import { DEFAULT_BASE_MODEL } from '#core/inference/baseModels.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterUploadId, TenantId } from '#core/shared/ids.ts';
import type { AdapterRouteHandler } from './dispatchAdapters.ts';
import { adapterBody } from './fields.ts';

const NewUpload = z.strictObject({
  /** How many bytes the archive has. */
  bytes: z.int().check(z.gte(1), z.lte(UPLOAD_LIMITS.bytes)),
});

/** `POST …/adapters/uploads {bytes}` → the form to post a .tar.gz with, and the id to register it by. */
export const createAdapterUpload: AdapterRouteHandler = async (deps, request) => {
  const body = readBody(request, NewUpload);
  if (!body.ok) return refuse(body.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const opened =
    tenantId === undefined ? undefined : await openAdapterUpload(deps, { tenantId, ...body.value });
  if (opened === undefined) return refuse(TENANT_NOT_FOUND);
  return respond(200, {
    id: opened.uploadId,
    object: 'adapter.upload',
    url: opened.form.url,
    fields: opened.form.fields,
    expires_at: toSeconds(opened.expiresAtMs),
  });
};

const NewAdapter = z.strictObject({
  upload: idSchema<AdapterUploadId>('adapterUpload'),
  base_model: z.optional(z.string().check(z.maxLength(128))),
  /** Questions that the adapter answers otherwise than its base; by these it is recognised. */
  probes: z.optional(z.array(probeSchema).check(z.minLength(1), z.maxLength(PROBE_LIMITS.probes))),
  reason: z.optional(reasonField),
});

/**
 * `POST …/adapters {upload, base_model?, probes?, reason?}` → 201 with the adapter; content that is known already:
 * 200. An archive that is refused says why in `archive_code`.
 */
export const registerAdapter: AdapterRouteHandler = async (deps, request) => {
  const body = readBody(request, NewAdapter);
  if (!body.ok) return refuse(body.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const {
    upload: uploadId,
    base_model: baseModel = DEFAULT_BASE_MODEL,
    probes = DEFAULT_PROBES,
    reason,
  } = body.value;
  const act = actOf(request, reason);
  const registered = await registerUpload(deps, { tenantId, uploadId, baseModel, probes, act });
  if (!registered.ok) return refuse(refusalOf(registered.error));
  return respond(registered.value.created ? 201 : 200, adapterBody(registered.value.adapter));
};

function refusalOf(error: NotRegistered): ApiError {
  switch (error.code) {
    case 'tenant_not_found':
      return TENANT_NOT_FOUND;
    case 'unknown_base':
      return {
        code: 'invalid_request',
        message: 'No adapter can stand on this base model.',
        param: 'base_model',
      };
    case 'nothing_uploaded':
      return {
        code: 'invalid_request',
        message: 'Nothing was uploaded yet. Post the archive with the form of …/adapters/uploads first.',
        param: 'upload',
      };
    case 'archive_refused':
      return {
        code: 'invalid_request',
        message: error.why.message,
        param: 'upload',
        extra: { archive_code: error.why.code },
      };
    default:
      return error satisfies never;
  }
}
