import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { baseModelOf } from '#core/inference/baseModels.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { type AddModelRefused, addModel, MAX_MODELS_PER_TENANT } from '#core/tenants/addModel.ts';
import { auditRecord } from '#core/tenants/tenancy.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import type { RouteHandler } from './dispatch.ts';
import { actOf, idParam, listBody, reasonField, toSeconds } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenants.ts';

const MODEL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$/;
const MODEL_NAME_RULE =
  'must be 1 to 128 letters, digits and . _ : / -, beginning and ending with a letter or digit';
const COMPONENT_NAME = /^[A-Za-z0-9](?:-*[A-Za-z0-9]){0,62}$/;

const modelName = z.string().check(z.regex(MODEL_NAME, MODEL_NAME_RULE));

const NewModel = z.strictObject({
  alias: modelName,
  base_model: modelName,
  adapter_id: z.optional(z.nullable(idSchema<AdapterId>('adapter'))),
  inference_component_name: z.optional(
    z.string().check(z.regex(COMPONENT_NAME, 'must be at most 63 letters, digits and hyphens between them')),
  ),
  reason: z.optional(reasonField),
});

/** `POST …/models {alias, base_model, adapter_id?, inference_component_name?, reason?}` → 201; the same again: 200. */
export const createModel: RouteHandler = async (deps, request) => {
  const body = readBody(request, NewModel);
  if (!body.ok) return refuse(body.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  if (baseModelOf(body.value.base_model) === undefined) return refuse(UNKNOWN_BASE);
  const { alias, base_model, adapter_id = null, inference_component_name, reason } = body.value;
  const wanted = {
    alias,
    baseModel: base_model,
    adapterId: adapter_id,
    ...(inference_component_name !== undefined && { inferenceComponentName: inference_component_name }),
  };
  const added = await addModel(deps, { tenantId, wanted, act: actOf(request, reason) });
  if (!added.ok) return refuse(addRefusal(added.error));
  return respond(added.value.created ? 201 : 200, modelBody(added.value.model));
};

/** `GET …/models`, with what answers each. */
export const listTenantModels: RouteHandler = async ({ directory }, request) => {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const [tenant, models] =
    tenantId === undefined
      ? []
      : await Promise.all([directory.readTenant(tenantId), directory.listModels(tenantId)]);
  if (tenant === undefined || models === undefined) return refuse(TENANT_NOT_FOUND);
  return respond(200, listBody(models.map(modelBody)));
};

const RemoveQuery = z.strictObject({ reason: z.optional(reasonField) });

/** `DELETE …/models/{model}?reason=` → 200 `{deleted: true}`; again: 404. */
export const removeModel: RouteHandler = async ({ directory, world }, request) => {
  const query = readQuery(request, RemoveQuery);
  if (!query.ok) return refuse(query.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const alias = request.params['model'] ?? '';
  if (tenantId === undefined || !MODEL_NAME.test(alias)) return refuse(MODEL_NOT_FOUND);
  const audit = auditRecord(world, actOf(request, query.value.reason), {
    action: 'model.remove',
    tenantId,
    details: { alias },
  });
  const removed = await directory.removeModel(tenantId, alias, audit);
  return removed
    ? respond(200, { id: alias, object: 'model_route', deleted: true })
    : refuse(MODEL_NOT_FOUND);
};

const MODEL_NOT_FOUND: ApiError = { code: 'model_not_found', message: 'This tenant has no such model.' };

const UNKNOWN_BASE: ApiError = {
  code: 'invalid_request',
  message: "There is no such base model. Give one that this version knows, for example 'tunegate-nano'.",
  param: 'base_model',
};

function addRefusal({ code }: AddModelRefused): ApiError {
  switch (code) {
    case 'tenant_not_found':
      return TENANT_NOT_FOUND;
    case 'alias_taken':
      return {
        code: 'already_exists',
        message: 'This tenant has another model of that name. Remove it first, or choose another alias.',
        param: 'alias',
      };
    case 'too_many_models':
      return {
        code: 'conflict',
        message: `A tenant has at most ${MAX_MODELS_PER_TENANT} models. Remove one first.`,
      };
    default:
      return code satisfies never;
  }
}

const modelBody = (model: ModelRoute) => ({
  id: model.alias,
  object: 'model_route',
  base_model: model.baseModel,
  adapter_id: model.adapterId,
  inference_component_name: model.inferenceComponentName,
  created_at: toSeconds(model.createdAtMs),
});
