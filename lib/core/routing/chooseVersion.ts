import { stableHash } from '#core/shared/stableHash.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import type { ModelVersion, ServedBy } from './types.ts';

/**
 * The version that answers a call of this subject: OpenAI's `user` where the client sends one, else the key's id.
 * A subject stays with its version as long as the rollout stands, in every function and without asking anybody;
 * raising a canary's percent only ever moves subjects to the canary, lowering it only away from it.
 */
export function chooseVersion(
  route: ModelRoute,
  subject: string,
): { readonly version: ModelVersion; readonly servedBy: ServedBy } {
  const canary = route.rollout?.canary;
  if (canary !== undefined && shareOf(`${route.tenantId}/${route.alias}/${subject}`) < canary.percent) {
    return { version: canary.version, servedBy: 'canary' };
  }
  return { version: route, servedBy: 'stable' };
}

/** The version that gets a copy of this call, where its model has a shadow and the call is in the sample. */
export function shadowOf(route: ModelRoute, requestId: string): ModelVersion | undefined {
  const shadow = route.rollout?.shadow;
  return shadow !== undefined && shareOf(`shadow/${requestId}`) < shadow.percent ? shadow.version : undefined;
}

/** What a version is called in usage and headers: its adapter, or the base model that answers bare. */
export const versionName = ({
  adapterId,
  baseModel,
}: Pick<ModelVersion, 'adapterId' | 'baseModel'>): string => adapterId ?? baseModel;

/** A text's place between 0 and 100, of which it takes up the same for ever. */
const shareOf = (text: string): number => (stableHash(text) / 2 ** 32) * 100;
