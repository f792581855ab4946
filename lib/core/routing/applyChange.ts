import { err, ok, type Result } from '#core/shared/result.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { resolveVersion, type WantedVersion } from './resolveVersion.ts';
import type { ModelVersion, Rollout, VersionShare } from './types.ts';

/** Earlier stable versions that a rollback can go back through. */
export const MAX_FORMER = 5;

/**
 * A wanted change. `promote` without a version takes the canary's; `canary` and `shadow` without one keep theirs and
 * change the percent; at 0 percent they end. `rollback` ends the canary, or else goes back to the version before.
 */
export type RolloutChange =
  | { readonly action: 'promote'; readonly version?: WantedVersion }
  | { readonly action: 'canary' | 'shadow'; readonly version?: WantedVersion; readonly percent: number }
  | { readonly action: 'rollback' };

export type ChangeRefused =
  | { readonly code: 'no_version' }
  | { readonly code: 'is_stable' }
  | { readonly code: 'nothing_to_roll_back' };

/**
 * The model route after a change, with the next revision; the very same route when the change would change nothing.
 * Errors: no_version (none was named and none is there), is_stable (a canary or shadow of what answers already),
 * nothing_to_roll_back.
 */
export function applyChange(route: ModelRoute, change: RolloutChange): Result<ModelRoute, ChangeRefused> {
  switch (change.action) {
    case 'promote':
      return promote(route, named(route, change) ?? route.rollout?.canary?.version);
    case 'canary':
    case 'shadow':
      return setShare(route, change, named(route, change));
    case 'rollback':
      return rollBack(route);
  }
}

export const sameVersion = (a: ModelVersion, b: ModelVersion): boolean =>
  a.baseModel === b.baseModel &&
  a.adapterId === b.adapterId &&
  a.inferenceComponentName === b.inferenceComponentName &&
  sameEngine(a.engine, b.engine);

const named = (
  route: ModelRoute,
  { version }: { readonly version?: WantedVersion },
): ModelVersion | undefined => (version === undefined ? undefined : resolveVersion(route, version));

function promote(route: ModelRoute, version: ModelVersion | undefined): Result<ModelRoute, ChangeRefused> {
  if (version === undefined) return err({ code: 'no_version' });
  const { canary, shadow, former } = rolloutOf(route);
  if (sameVersion(version, route)) {
    return ok(canary === undefined ? route : withRollout(route, { ...shares({ shadow }), former }));
  }
  const rest = shadow !== undefined && sameVersion(shadow.version, version) ? {} : shares({ shadow });
  const kept = [versionOf(route), ...former.filter((old) => !sameVersion(old, version))];
  return ok(withRollout(withVersion(route, version), { ...rest, former: kept.slice(0, MAX_FORMER) }));
}

function setShare(
  route: ModelRoute,
  { action, percent }: Extract<RolloutChange, { readonly percent: number }>,
  wanted: ModelVersion | undefined,
): Result<ModelRoute, ChangeRefused> {
  const { canary, shadow, former } = rolloutOf(route);
  const others = action === 'canary' ? shares({ shadow }) : shares({ canary });
  const present = action === 'canary' ? canary : shadow;
  if (percent === 0) return ok(present === undefined ? route : withRollout(route, { ...others, former }));
  const version = wanted ?? present?.version;
  if (version === undefined) return err({ code: 'no_version' });
  if (sameVersion(version, route)) return err({ code: 'is_stable' });
  if (present?.percent === percent && sameVersion(present.version, version)) return ok(route);
  return ok(withRollout(route, { ...others, [action]: { version, percent }, former }));
}

function rollBack(route: ModelRoute): Result<ModelRoute, ChangeRefused> {
  const { canary, shadow, former } = rolloutOf(route);
  if (canary !== undefined) return ok(withRollout(route, { ...shares({ shadow }), former }));
  const [previous, ...older] = former;
  if (previous === undefined) return err({ code: 'nothing_to_roll_back' });
  const rest = shadow !== undefined && sameVersion(shadow.version, previous) ? {} : shares({ shadow });
  return ok(withRollout(withVersion(route, previous), { ...rest, former: older }));
}

const NEVER_CHANGED: Rollout = { revision: 0, former: [] };

/** Where a model's rollout stands; a model that was never changed stands at revision 0. */
export const rolloutOf = ({ rollout = NEVER_CHANGED }: ModelRoute): Rollout => rollout;

const withRollout = (route: ModelRoute, next: Omit<Rollout, 'revision'>): ModelRoute => ({
  ...route,
  rollout: { revision: rolloutOf(route).revision + 1, ...next },
});

function withVersion(
  { tenantId, alias, createdAtMs, rollout }: ModelRoute,
  version: ModelVersion,
): ModelRoute {
  return { ...version, tenantId, alias, createdAtMs, ...(rollout === undefined ? {} : { rollout }) };
}

/** What answers a model now, without the rest of its route. */
export const versionOf = ({
  baseModel,
  adapterId,
  inferenceComponentName,
  engine,
}: ModelVersion): ModelVersion => ({
  baseModel,
  adapterId,
  inferenceComponentName,
  ...(engine === undefined ? {} : { engine }),
});

/** Leaves out what is not there: absent and undefined are two things to our types. */
const shares = (all: {
  readonly canary?: VersionShare | undefined;
  readonly shadow?: VersionShare | undefined;
}): Pick<Rollout, 'canary' | 'shadow'> => ({
  ...(all.canary === undefined ? {} : { canary: all.canary }),
  ...(all.shadow === undefined ? {} : { shadow: all.shadow }),
});

/** Two places are the same when they say the same; the order of what they say is ours. */
function sameEngine(a: ModelVersion['engine'], b: ModelVersion['engine']): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === 'sagemaker') return b.kind === 'sagemaker' && a.endpoint === b.endpoint;
  return (
    b.kind === 'openai' &&
    a.url === b.url &&
    a.model === b.model &&
    a.secret === b.secret &&
    a.timeoutMs === b.timeoutMs
  );
}
