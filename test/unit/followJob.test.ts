import { expect, test } from 'vitest';
import type { ApiClient, JsonObject } from '#cli/apiClient.ts';
import { CliError } from '#cli/cliError.ts';
import { followJob } from '#cli/followJob.ts';

const step = (at: number): JsonObject => ({
  id: `step-${at}`,
  type: 'metrics',
  data: { step: at, total_steps: 2, train_loss: 1 / at, tokens_per_second: 900 },
});

/** A job that is one step further at each look, and then has succeeded. `away`: looks at which nothing answers. */
function aJob(away: readonly number[] = []): ApiClient {
  let looks = 0;
  const told: JsonObject[] = [];
  return {
    baseUrl: 'http://127.0.0.1/v1',
    call: async (_, path) => {
      if (path.endsWith('/events')) return { data: told.toReversed(), has_more: false };
      looks += 1;
      if (away.includes(looks)) throw new CliError('unreachable', 'it does not answer');
      if (told.length < 2) told.push(step(told.length + 1));
      else return { id: 'ftjob-1', status: 'succeeded' };
      return { id: 'ftjob-1', status: 'running' };
    },
  };
}

test('a picture is drawn over the one before, also when the window became narrower and broke its lines', async () => {
  const written: string[] = [];
  const widths = [100, 40];
  const columns = () => widths.shift() ?? 40;
  await followJob(aJob(), 'ftjob-1', { write: (text) => void written.push(text), columns });
  const [first = '', second = '', third = ''] = written;
  const rowsIn = (text: string, width: number): number =>
    text
      .split('\n')
      .slice(0, -1)
      .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
  const before = second.slice(second.indexOf('J') + 1);
  expect(second.startsWith(`\u001b[${rowsIn(first, 40)}A\u001b[0J`)).toBe(true);
  expect(rowsIn(first, 40)).toBeGreaterThan(first.split('\n').length - 1);
  expect(Math.max(...before.split('\n').map((line) => line.length))).toBeLessThan(40);
  expect(third.startsWith(`\u001b[${before.split('\n').length - 1}A\u001b[0J`)).toBe(true);
}, 10_000);

test('a moment in which nothing answers does not end the following', async () => {
  const ended = await followJob(aJob([2]), 'ftjob-1', { write: () => undefined, columns: () => undefined });
  expect(ended['status']).toBe('succeeded');
}, 10_000);
