import * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import { baseModelOf } from '#core/inference/baseModels.ts';
import type { VersionRefused } from '#core/routing/checkVersion.ts';
import { versionName } from '#core/routing/chooseVersion.ts';
import { mayHaveEndpoint } from '#core/routing/mayHaveEndpoint.ts';
import { parseEngineUrl } from '#core/routing/parseEngineUrl.ts';
import type { WantedVersion } from '#core/routing/resolveVersion.ts';
import type { EnginePlace, ModelVersion } from '#core/routing/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { ControlDeps } from './deps.ts';

// A version as the routes of models and rollouts take and show it.

export const MODEL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$/;
const MODEL_NAME_RULE =
  'must be 1 to 128 letters, digits and . _ : / -, beginning and ending with a letter or digit';
const SAGEMAKER_NAME = /^[A-Za-z0-9](?:-*[A-Za-z0-9]){0,62}$/;
const SHORT_NAME = /^[a-z0-9](?:-?[a-z0-9]){0,39}$/;
const SHORT_NAME_RULE = 'must be 1 to 40 small letters, digits and hyphens between them';
const MAX_TIMEOUT_SECONDS = 600;

export const modelName = z.string().check(z.regex(MODEL_NAME, MODEL_NAME_RULE));
const sageMakerName = z
  .string()
  .check(z.regex(SAGEMAKER_NAME, 'must be at most 63 letters, digits and hyphens between them'));

/** Of a secret or an endpoint: what stands behind the prefix that the deployment gives. */
export const shortName = z.string().check(z.regex(SHORT_NAME, SHORT_NAME_RULE));
export const isShortName = (name: string): boolean => SHORT_NAME.test(name);

const EngineField = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sagemaker'), endpoint: shortName }),
  z.strictObject({
    kind: z.literal('openai'),
    url: z.string(),
    model: z.optional(modelName),
    secret: z.optional(shortName),
    timeout_seconds: z.optional(z.int().check(z.gte(1), z.lte(MAX_TIMEOUT_SECONDS))),
  }),
]);

/** The fields that name a version, for a body of a route. */
export const versionFields = {
  adapter_id: z.optional(z.nullable(idSchema<AdapterId>('adapter'))),
  base_model: z.optional(modelName),
  inference_component_name: z.optional(sageMakerName),
  engine: z.optional(z.nullable(EngineField)),
};

type VersionFields = {
  readonly [K in keyof typeof versionFields]?: z.infer<(typeof versionFields)[K]> | undefined;
};

/** The version that a body names; undefined when it names none. Errors: invalid_request. */
export function readVersion(
  { adapter_id, base_model, inference_component_name, engine }: VersionFields,
  rules: { readonly allowLoopback: boolean },
): Result<WantedVersion | undefined, ApiError> {
  if (base_model !== undefined && baseModelOf(base_model) === undefined) return err(UNKNOWN_BASE);
  const place = engine === undefined || engine === null ? ok(engine) : readEngine(engine, rules);
  if (!place.ok) return place;
  const wanted: WantedVersion = {
    ...(adapter_id !== undefined && { adapterId: adapter_id }),
    ...(base_model !== undefined && { baseModel: base_model }),
    ...(inference_component_name !== undefined && { inferenceComponentName: inference_component_name }),
    ...(place.value !== undefined && { engine: place.value }),
  };
  return ok(Object.keys(wanted).length === 0 ? undefined : wanted);
}

function readEngine(
  field: z.infer<typeof EngineField>,
  rules: { readonly allowLoopback: boolean },
): Result<EnginePlace, ApiError> {
  if (field.kind === 'sagemaker') return ok(field);
  const url = parseEngineUrl(field.url, rules);
  if (!url.ok) {
    const message = `engine.url ${url.error.message}.`;
    return err({ code: 'invalid_request', message, param: 'engine.url' });
  }
  return ok({
    kind: 'openai',
    url: url.value,
    ...(field.model !== undefined && { model: field.model }),
    ...(field.secret !== undefined && { secret: field.secret }),
    ...(field.timeout_seconds !== undefined && { timeoutMs: field.timeout_seconds * 1000 }),
  });
}

const UNKNOWN_BASE: ApiError = {
  code: 'invalid_request',
  message: "There is no such base model. Give one that this version knows, for example 'tunegate-nano'.",
  param: 'base_model',
};

/** Why the tenant may not have a version there; undefined when it may. */
export async function refuseEndpoint(
  { subscriptions }: Pick<ControlDeps, 'subscriptions'>,
  tenantId: TenantId,
  wanted: WantedVersion | undefined,
): Promise<ApiError | undefined> {
  if (wanted?.engine?.kind !== 'sagemaker' || (await mayHaveEndpoint(subscriptions, tenantId)))
    return undefined;
  return {
    code: 'conflict',
    message:
      'The plan of this tenant shares the endpoint. Move it to a plan with an endpoint of its own, or leave the engine out.',
    param: 'engine.endpoint',
  };
}

/** Why a version may not answer, in words. */
export function versionRefusal(refused: VersionRefused): ApiError {
  const param = 'adapter_id';
  switch (refused.code) {
    case 'adapter_not_found':
      return { code: 'not_found', message: `This tenant has no adapter ${refused.adapterId}.`, param };
    case 'adapter_of_another_base':
      return {
        code: 'conflict',
        message: `The adapter ${refused.adapterId} is for the base model ${refused.baseModel}.`,
        param,
      };
    case 'adapter_elsewhere':
      return {
        code: 'conflict',
        message: `The adapter ${refused.adapterId} is deployed on ${refused.endpoint ?? 'the shared endpoint'}. Leave the engine out, or deploy it where the engine is.`,
        param: 'engine',
      };
    case 'adapter_not_deployed':
      return {
        code: 'conflict',
        message: `The adapter ${refused.adapterId} is ${refused.status}, not deployed. ${WHAT_FIRST[refused.status]}`,
        param,
      };
    default:
      return refused satisfies never;
  }
}

const WHAT_FIRST = {
  registered: 'Deploy it first.',
  deploying: 'Wait until it is.',
  failed: 'See why with the adapter, and deploy it again.',
  retired: 'Register its archive again and deploy it, or promote another version.',
} as const;

/** A version as it is shown. */
export const versionBody = ({ baseModel, adapterId, inferenceComponentName, engine }: ModelVersion) => ({
  version: versionName({ adapterId, baseModel }),
  base_model: baseModel,
  adapter_id: adapterId,
  inference_component_name: inferenceComponentName,
  engine: engine === undefined ? null : engineBody(engine),
});

function engineBody(engine: EnginePlace): z.infer<typeof EngineField> {
  if (engine.kind === 'sagemaker') return engine;
  const { timeoutMs, ...rest } = engine;
  return { ...rest, ...(timeoutMs !== undefined && { timeout_seconds: Math.ceil(timeoutMs / 1000) }) };
}
