import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeWhole } from '#local/engine/baseGguf.ts';

/** Does EventBridge's work: events wait in files until they are delivered, so that none is lost with this process. */
export type EventOutbox = {
  readonly publish: (event: unknown) => void;
  /** Nothing is sent after this; what waits goes out at the next start. */
  readonly stop: () => void;
};

/** EventBridge tries again for a day, SageMaker promises no delivery at all: when nobody takes them, the oldest go. */
const MAX_KEPT = 10_000;
const RETRY_AFTER_MS = 1_000;
const ID_DIGITS = 12;

/** `deliver` may be called again for an event whose end was not noted. In order, one at a time. */
export function openEventOutbox(directory: string, deliver: (event: string) => Promise<void>): EventOutbox {
  mkdirSync(directory, { recursive: true });
  const waiting = readdirSync(directory)
    .filter((name) => /^\d+\.json$/u.test(name))
    .sort();
  let number = Number.parseInt(waiting.at(-1) ?? '0', 10);
  let sending = false;
  let stopped = false;

  const drop = (name: string): void => {
    const at = waiting.indexOf(name);
    if (at >= 0) waiting.splice(at, 1);
    rmSync(join(directory, name), { force: true });
  };
  const sendAll = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    for (let name = waiting[0]; name !== undefined && !stopped; name = waiting[0]) {
      try {
        await deliver(readFileSync(join(directory, name), 'utf8'));
        drop(name);
      } catch (error) {
        console.error('an event of a training job waits to be delivered:', error);
        await sleep(RETRY_AFTER_MS, undefined, { ref: false });
      }
    }
    sending = false;
  };
  void sendAll();

  return {
    publish: (event) => {
      number += 1;
      const name = `${String(number).padStart(ID_DIGITS, '0')}.json`;
      writeWhole(join(directory, name), Buffer.from(JSON.stringify(event)));
      waiting.push(name);
      if (waiting.length > MAX_KEPT) drop(waiting[0] ?? name);
      void sendAll();
    },
    stop: () => {
      stopped = true;
    },
  };
}
