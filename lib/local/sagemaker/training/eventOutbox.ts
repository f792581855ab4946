import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '#local/engine/baseGguf.ts';

/** Events that wait for whoever does EventBridge's work, in files, so that none is lost with this process. */
export type EventOutbox = {
  readonly publish: (event: unknown) => void;
  /** The oldest ones; waits so long for a first when there is none. */
  readonly read: (waitMs: number) => Promise<readonly { readonly id: string; readonly event: unknown }[]>;
  /** It has been delivered. */
  readonly remove: (id: string) => void;
};

const MAX_AT_ONCE = 10;
/** More is not kept when nobody comes for them: the oldest go. SageMaker promises no delivery either. */
const MAX_KEPT = 10_000;
const ID_DIGITS = 12;

export function openEventOutbox(directory: string): EventOutbox {
  mkdirSync(directory, { recursive: true });
  const file = (id: string): string => join(directory, `${id}.json`);
  const kept = new Map(
    readdirSync(directory)
      .filter((name) => /^\d+\.json$/u.test(name))
      .sort()
      .map((name): [string, unknown] => [
        name.slice(0, -'.json'.length),
        JSON.parse(readFileSync(join(directory, name), 'utf8')),
      ]),
  );
  let number = Number([...kept.keys()].at(-1) ?? 0);
  const waiting = new Set<() => void>();

  const remove = (id: string): void => {
    if (kept.delete(id)) rmSync(file(id), { force: true });
  };
  return {
    publish: (event) => {
      number += 1;
      const id = String(number).padStart(ID_DIGITS, '0');
      writeWhole(file(id), Buffer.from(JSON.stringify(event)));
      kept.set(id, event);
      for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - MAX_KEPT))) remove(oldest);
      for (const wake of waiting) wake();
    },
    read: async (waitMs) => {
      if (kept.size === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, waitMs);
          function done(): void {
            clearTimeout(timer);
            waiting.delete(done);
            resolve();
          }
          waiting.add(done);
        });
      }
      return [...kept].slice(0, MAX_AT_ONCE).map(([id, event]) => ({ id, event }));
    },
    remove,
  };
}
