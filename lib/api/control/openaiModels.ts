import { callingTenant } from '#api/edge/authorize.ts';
import { refuse, respond } from '#api/http.ts';
import { noSuchModel } from '#core/inference/noSuchModel.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { toSeconds } from './fields.ts';

/** `GET /models` → the tenant's own models, as OpenAI lists them. */
export const listModels: AccountHandler = async ({ directory }, request) => {
  const models = await directory.listModels(callingTenant(request));
  return respond(200, { object: 'list', data: models.map(openaiModel) });
};

/** `GET /models/{model}` → one of them. Another tenant's model is as unknown as none. */
export const retrieveModel: AccountHandler = async ({ directory }, request) => {
  const models = await directory.listModels(callingTenant(request));
  const model = models.find(({ alias }) => alias === request.params['model']);
  return model === undefined
    ? refuse(noSuchModel(request.params['model'] ?? ''))
    : respond(200, openaiModel(model));
};

const openaiModel = (model: ModelRoute) => ({
  id: model.alias,
  object: 'model',
  created: toSeconds(model.createdAtMs),
  owned_by: model.tenantId,
});
