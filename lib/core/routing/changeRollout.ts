import type { AdapterStore } from '#core/adapters/ports.ts';
import type { AdapterUse } from '#core/adapters/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import { type Act, auditRecord } from '#core/tenants/tenancy.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import {
  applyChange,
  type ChangeRefused,
  type RolloutChange,
  rolloutOf,
  sameVersion,
  versionOf,
} from './applyChange.ts';
import { checkVersion, type VersionRefused, whereDeployed } from './checkVersion.ts';
import { versionName } from './chooseVersion.ts';
import type { RolloutRecord, RolloutStore } from './ports.ts';
import type { ModelVersion, RolloutAction } from './types.ts';

export type WantedChange = {
  readonly tenantId: TenantId;
  readonly alias: string;
  readonly change: RolloutChange;
  /** The revision that the change was made for; absent: whichever stands. */
  readonly revision?: number;
  readonly act: Act;
};

export type RolloutRefused =
  | ChangeRefused
  | VersionRefused
  | { readonly code: 'model_not_found' }
  /** Another change came first: `revision` is the one that was met. */
  | { readonly code: 'changed_meanwhile'; readonly revision: number };

export type ChangeDeps = {
  readonly rollouts: RolloutStore;
  readonly adapters: Pick<AdapterStore, 'read'>;
  readonly world: World;
};

/**
 * Changes what answers a model. The change, its history and its audit record are one conditional write, so that of
 * two concurrent changes one is refused. A change that changes nothing writes nothing.
 * Errors: model_not_found, changed_meanwhile, and those of `applyChange` and of `checkVersion`.
 */
export async function changeRollout(
  deps: ChangeDeps,
  wanted: WantedChange,
): Promise<Result<ModelRoute, RolloutRefused>> {
  const { rollouts } = deps;
  const { tenantId, alias, change, act } = wanted;
  const previous = await rollouts.readModel(tenantId, alias);
  if (previous === undefined) return err({ code: 'model_not_found' });
  const { revision } = rolloutOf(previous);
  if (wanted.revision !== undefined && wanted.revision !== revision) {
    return err({ code: 'changed_meanwhile', revision });
  }
  const applied = applyChange(previous, await placed(deps, previous, change));
  if (!applied.ok || applied.value === previous) return applied;
  const next = applied.value;
  const uses = await usesOf(deps, previous, next);
  if (!uses.ok) return uses;
  if (await writeChange(deps, { previous, next, action: change.action, act, uses: uses.value }))
    return ok(next);
  const stillUses = await usesOf(deps, previous, next);
  if (!stillUses.ok) return stillUses;
  const met = await rollouts.readModel(tenantId, alias);
  return err(
    met === undefined
      ? { code: 'model_not_found' }
      : { code: 'changed_meanwhile', revision: rolloutOf(met).revision },
  );
}

/** The adapters that a change leads the model to, once each; or why one of them cannot answer. */
async function usesOf(
  deps: ChangeDeps,
  previous: ModelRoute,
  next: ModelRoute,
): Promise<Result<readonly AdapterUse[], VersionRefused>> {
  const uses = new Map<string, AdapterUse>();
  for (const version of newVersions(previous, next)) {
    const checked = await checkVersion(deps, next.tenantId, version);
    if (!checked.ok) return checked;
    if (checked.value !== null) uses.set(checked.value.adapterId, checked.value);
  }
  return ok([...uses.values()]);
}

/** Writes a change with its history and its audit record; false when the model has changed meanwhile. */
export function writeChange(
  { rollouts, world }: { readonly rollouts: Pick<RolloutStore, 'replace'>; readonly world: World },
  {
    previous,
    next,
    action,
    act,
    uses = [],
  }: {
    readonly previous: ModelRoute;
    readonly next: ModelRoute;
    readonly action: RolloutAction;
    readonly act: Act;
    readonly uses?: readonly AdapterUse[];
  },
): Promise<boolean> {
  const { tenantId, alias } = next;
  const audit = auditRecord(world, act, {
    action: `rollout.${action}`,
    tenantId,
    details: { alias, ...auditDetails(previous, next) },
  });
  return rollouts.replace({
    previous,
    next,
    record: recordOf(next, { action, atMs: audit.atMs, ...act }),
    audit,
    uses,
  });
}

/** A model on an OpenAI-compatible server stays there; elsewhere a version runs where its adapter is deployed. */
async function placed(
  deps: ChangeDeps,
  { tenantId, engine }: ModelRoute,
  change: RolloutChange,
): Promise<RolloutChange> {
  if (change.action === 'rollback' || change.version === undefined || engine?.kind === 'openai')
    return change;
  return { ...change, version: await whereDeployed(deps, tenantId, change.version) };
}

/** The versions that get calls after a change, and got none before. */
function newVersions(previous: ModelRoute, next: ModelRoute): readonly ModelVersion[] {
  const known = answering(previous);
  return answering(next).filter((version) => !known.some((old) => sameVersion(old, version)));
}

function answering(model: ModelRoute): readonly ModelVersion[] {
  const { canary, shadow } = rolloutOf(model);
  return [
    model,
    ...(canary === undefined ? [] : [canary.version]),
    ...(shadow === undefined ? [] : [shadow.version]),
  ];
}

function recordOf(
  model: ModelRoute,
  what: Pick<RolloutRecord, 'action' | 'atMs' | 'actor' | 'reason'>,
): RolloutRecord {
  const { revision, canary, shadow } = rolloutOf(model);
  return {
    tenantId: model.tenantId,
    alias: model.alias,
    revision,
    ...what,
    stable: versionOf(model),
    ...(canary === undefined ? {} : { canary }),
    ...(shadow === undefined ? {} : { shadow }),
  };
}

function auditDetails(previous: ModelRoute, next: ModelRoute) {
  const { revision, canary, shadow } = rolloutOf(next);
  return {
    revision,
    from: versionName(previous),
    stable: versionName(next),
    canary: canary === undefined ? null : versionName(canary.version),
    canaryPercent: canary?.percent ?? 0,
    shadow: shadow === undefined ? null : versionName(shadow.version),
    shadowPercent: shadow?.percent ?? 0,
  };
}
