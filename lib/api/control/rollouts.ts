import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import { addDays, dayAt } from '#core/metering/periods.ts';
import { type RolloutChange, rolloutOf } from '#core/routing/applyChange.ts';
import { changeRollout, type RolloutRefused } from '#core/routing/changeRollout.ts';
import { sumVersions } from '#core/routing/countVersions.ts';
import type { RolloutRecord } from '#core/routing/ports.ts';
import type { WantedVersion } from '#core/routing/resolveVersion.ts';
import type { CountedVersion, VersionShare } from '#core/routing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import type { ControlDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import { actOf, idParam, listBody, pageFields, pageOf, reasonField, toSeconds } from './fields.ts';
import {
  MODEL_NAME,
  readVersion,
  refuseEndpoint,
  versionBody,
  versionFields,
  versionRefusal,
} from './versions.ts';

const revisionField = z.optional(z.int().check(z.gte(0)));
const percentField = z.int().check(z.gte(0), z.lte(100));

const Promote = z.strictObject({
  ...versionFields,
  revision: revisionField,
  reason: z.optional(reasonField),
});
const Share = z.extend(Promote, { percent: percentField });
const RollBack = z.strictObject({ revision: revisionField, reason: z.optional(reasonField) });
const HistoryQuery = z.strictObject(pageFields);

/** How far back calls are counted by version, today included. */
const COUNTED_DAYS = 7;

/** `GET …/rollout?limit=&cursor=` → what answers the model, how its versions did, and its changes, newest first. */
export const readRollout: RouteHandler = async ({ rollouts, versions, world }, request) => {
  const query = readQuery(request, HistoryQuery);
  if (!query.ok) return refuse(query.error);
  const place = placeOf(request);
  const model = place === undefined ? undefined : await rollouts.readModel(place.tenantId, place.alias);
  if (model === undefined) return refuse(MODEL_NOT_FOUND);
  const to = dayAt(world.clock());
  const [{ records, nextCursor }, counted] = await Promise.all([
    rollouts.history(model, pageOf(query.value)),
    versions.read(model.tenantId, model.alias, { from: addDays(to, 1 - COUNTED_DAYS), to }),
  ]);
  return respond(200, {
    ...rolloutBody(model),
    versions: sumVersions(counted).map(countsBody),
    history: listBody(records.map(recordBody), nextCursor),
  });
};

/** `POST …/rollout/promote {adapter_id?, engine?, …, revision?, reason?}`; without a version: the canary's. */
export const promoteModel: RouteHandler = async (deps, request) => {
  const body = readBody(request, Promote);
  if (!body.ok) return refuse(body.error);
  const version = readVersion(body.value, deps.engines);
  if (!version.ok) return refuse(version.error);
  return change(deps, request, { action: 'promote', ...given(version.value) }, body.value);
};

const setShare =
  (action: 'canary' | 'shadow'): RouteHandler =>
  async (deps, request) => {
    const body = readBody(request, Share);
    if (!body.ok) return refuse(body.error);
    const version = readVersion(body.value, deps.engines);
    if (!version.ok) return refuse(version.error);
    const { percent } = body.value;
    return change(deps, request, { action, percent, ...given(version.value) }, body.value);
  };

/** `POST …/rollout/canary {percent, adapter_id?, …}`: 0 ends it; without a version the present one's share changes. */
export const setCanary = setShare('canary');

/** `POST …/rollout/shadow {percent, adapter_id?, …}`, like a canary. */
export const setShadow = setShare('shadow');

/** `POST …/rollout/rollback {revision?, reason?}`: ends the canary, else goes back to the version before. */
export const rollBackModel: RouteHandler = async (deps, request) => {
  const body = readBody(request, RollBack);
  if (!body.ok) return refuse(body.error);
  return change(deps, request, { action: 'rollback' }, body.value);
};

async function change(
  deps: ControlDeps,
  request: ApiRequest,
  wanted: RolloutChange,
  { revision, reason }: z.infer<typeof RollBack>,
): Promise<ApiResponse> {
  const place = placeOf(request);
  if (place === undefined) return refuse(MODEL_NOT_FOUND);
  const version = wanted.action === 'rollback' ? undefined : wanted.version;
  const refused = await refuseEndpoint(deps, place.tenantId, version);
  if (refused !== undefined) return refuse(refused);
  const changed = await changeRollout(deps, {
    ...place,
    change: wanted,
    ...(revision !== undefined && { revision }),
    act: actOf(request, reason),
  });
  return changed.ok ? respond(200, rolloutBody(changed.value)) : refuse(changeRefusal(changed.error));
}

function placeOf(request: ApiRequest) {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const alias = request.params['model'] ?? '';
  return tenantId === undefined || !MODEL_NAME.test(alias) ? undefined : { tenantId, alias };
}

const given = (version: WantedVersion | undefined) => (version === undefined ? {} : { version });

const MODEL_NOT_FOUND: ApiError = { code: 'model_not_found', message: 'This tenant has no such model.' };

function changeRefusal(refused: RolloutRefused): ApiError {
  switch (refused.code) {
    case 'model_not_found':
      return MODEL_NOT_FOUND;
    case 'changed_meanwhile':
      return {
        code: 'conflict',
        message: `Another change came first: the rollout is at revision ${refused.revision} now. Look at it and try again.`,
        param: 'revision',
      };
    case 'no_version':
      return {
        code: 'invalid_request',
        message: 'There is no version to take: name one, for example by adapter_id.',
        param: 'adapter_id',
      };
    case 'is_stable':
      return {
        code: 'conflict',
        message: 'This version answers all calls already. Name another one, for example by adapter_id.',
        param: 'adapter_id',
      };
    case 'nothing_to_roll_back':
      return {
        code: 'conflict',
        message: 'There is no canary and no version before this one. Promote the version that is to answer.',
      };
    default:
      return versionRefusal(refused);
  }
}

const rolloutBody = (model: ModelRoute) => {
  const { revision, canary, shadow, former } = rolloutOf(model);
  return {
    id: model.alias,
    object: 'rollout',
    revision,
    stable: versionBody(model),
    canary: shareBody(canary),
    shadow: shareBody(shadow),
    former: former.map(versionBody),
  };
};

const shareBody = (share: VersionShare | undefined) =>
  share === undefined ? null : { percent: share.percent, ...versionBody(share.version) };

/** Means are of what was measured; null: nothing was. */
const countsBody = (counts: Omit<CountedVersion, 'day'>) => ({
  version: counts.version,
  served_by: counts.servedBy,
  calls: counts.calls,
  failed_calls: counts.failedCalls,
  input_tokens: counts.inputTokens,
  output_tokens: counts.outputTokens,
  mean_first_token_ms: mean(counts.firstTokenMs, counts.firstTokens),
  mean_compute_ms: mean(counts.computeMs, counts.calls - counts.failedCalls),
  same_answers: counts.servedBy === 'shadow' ? counts.sameAnswers : null,
});

const mean = (sum: number, count: number): number | null => (count <= 0 ? null : Math.round(sum / count));

const recordBody = (record: RolloutRecord) => ({
  object: 'rollout_change',
  revision: record.revision,
  action: record.action,
  created_at: toSeconds(record.atMs),
  actor: record.actor,
  reason: record.reason,
  stable: versionBody(record.stable),
  canary: shareBody(record.canary),
  shadow: shareBody(record.shadow),
});
