import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { rolloutOf } from '#core/routing/applyChange.ts';
import { checkVersion, whereDeployed } from '#core/routing/checkVersion.ts';
import { componentName } from '#core/routing/resolveVersion.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { type AddModelRefused, addModel, MAX_MODELS_PER_TENANT } from '#core/tenants/addModel.ts';
import { auditRecord } from '#core/tenants/tenancy.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import type { RouteHandler } from './dispatch.ts';
import { actOf, idParam, listBody, reasonField, toSeconds } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';
import {
  MODEL_NAME,
  modelName,
  readVersion,
  refuseEndpoint,
  versionBody,
  versionFields,
  versionRefusal,
} from './versions.ts';

const NewModel = z.strictObject({
  alias: modelName,
  ...versionFields,
  base_model: modelName,
  reason: z.optional(reasonField),
});

/** `POST …/models {alias, base_model, adapter_id?, inference_component_name?, engine?, reason?}` → 201; the same again: 200. */
export const createModel: RouteHandler = async (deps, request) => {
  const body = readBody(request, NewModel);
  if (!body.ok) return refuse(body.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const { alias, base_model, reason } = body.value;
  const version = readVersion(body.value, deps.engines);
  if (!version.ok) return refuse(version.error);
  const refused = await refuseEndpoint(deps, tenantId, version.value);
  if (refused !== undefined) return refuse(refused);
  const { engine, ...named } = await whereDeployed(deps, tenantId, version.value ?? {});
  const wanted = {
    adapterId: null,
    ...named,
    ...(engine !== undefined && engine !== null && { engine }),
    alias,
    baseModel: base_model,
  };
  const checked = await checkVersion(deps, tenantId, {
    inferenceComponentName: componentName(wanted),
    ...wanted,
  });
  if (!checked.ok) return refuse(versionRefusal(checked.error));
  const added = await addModel(deps, { tenantId, wanted, act: actOf(request, reason), use: checked.value });
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
    case 'changed_meanwhile':
      return {
        code: 'conflict',
        message: `The tenant's adapters or models changed meanwhile. Look at them, and try again.`,
      };
    default:
      return code satisfies never;
  }
}

const modelBody = (model: ModelRoute) => ({
  id: model.alias,
  object: 'model_route',
  ...versionBody(model),
  /** Above 0: the agency has changed what answers; see `…/rollout`. */
  revision: rolloutOf(model).revision,
  created_at: toSeconds(model.createdAtMs),
});
