import { ulid } from 'ulid';
import { ID_PREFIXES } from '#core/shared/ids.ts';
import type { World } from '#core/shared/world.ts';

/** The real clock, and ids that sort by time: `hold_01k…`. */
export const systemWorld: World = {
  clock: Date.now,
  newId: <T extends string>(kind: keyof typeof ID_PREFIXES) =>
    `${ID_PREFIXES[kind]}${ulid().toLowerCase()}` as T,
};
