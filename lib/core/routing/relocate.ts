import { componentNameOf } from '#core/adapters/types.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { rolloutOf, versionOf } from './applyChange.ts';
import type { ModelVersion } from './types.ts';

/** An adapter that has come from one endpoint to another; null: the shared one. */
export type Relocation = {
  readonly adapterId: AdapterId;
  readonly from: string | null;
  readonly to: string | null;
};

/**
 * The model with every version of the adapter, former ones too, on the other endpoint; the very same route where none
 * is on the first. Versions under components that were named by hand, and those on other engines, stay.
 */
export function relocate(route: ModelRoute, relocation: Relocation): ModelRoute {
  const { revision, canary, shadow, former } = rolloutOf(route);
  const versions = [route, canary?.version, shadow?.version, ...former];
  if (!versions.some((version) => version !== undefined && isThere(version, relocation))) return route;
  const moved = (version: ModelVersion): ModelVersion =>
    isThere(version, relocation) ? placedOn(version, relocation) : version;
  const { engine: _, ...rest } = route;
  return {
    ...rest,
    ...moved(versionOf(route)),
    rollout: {
      revision: revision + 1,
      ...(canary === undefined ? {} : { canary: { ...canary, version: moved(canary.version) } }),
      ...(shadow === undefined ? {} : { shadow: { ...shadow, version: moved(shadow.version) } }),
      former: former.map(moved),
    },
  };
}

function isThere({ adapterId, inferenceComponentName, engine }: ModelVersion, { from, ...move }: Relocation) {
  const endpoint = engine === undefined ? null : engine.kind === 'sagemaker' ? engine.endpoint : undefined;
  return (
    adapterId === move.adapterId &&
    endpoint === from &&
    inferenceComponentName === componentNameOf(adapterId, from ?? undefined)
  );
}

function placedOn({ engine: _, ...version }: ModelVersion, { adapterId, to }: Relocation): ModelVersion {
  const there = { ...version, inferenceComponentName: componentNameOf(adapterId, to ?? undefined) };
  return to === null ? there : { ...there, engine: { kind: 'sagemaker', endpoint: to } };
}
