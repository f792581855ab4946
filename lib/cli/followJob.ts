import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient, JsonObject } from './apiClient.ts';
import { CliError, EXIT_CODES } from './cliError.ts';
import { rowsOf } from './print.ts';
import { barLine, EMPTY_VIEW, type JobView, viewLines, withEvent } from './trainingView.ts';

const POLL_MS = 1_000;
/** A week of looking: a job does not live longer. */
const MAX_POLLS = 7 * 24 * 3_600;
const MAX_FAILED_LOOKS = 120;
const PAGE = '100';
/** A job has at most so many events. */
const MAX_PAGES = 20;
const PLAIN_COLUMNS = 120;
const ENDS = new Set(['succeeded', 'failed', 'cancelled']);

export type Screen = {
  readonly write: (text: string) => void;
  /** Undefined where nobody sees it move: then each thing that happens is a line. A window changes its width. */
  readonly columns: () => number | undefined;
};

/** Shows a job's course until it ends, and answers the job as it is then. */
export async function followJob(api: ApiClient, id: string, screen: Screen): Promise<JsonObject> {
  const path = `/fine_tuning/jobs/${encodeURIComponent(id)}`;
  const show = makeView(screen);
  let view = EMPTY_VIEW;
  let seen = '';
  for (let poll = 0; poll < MAX_POLLS; poll++) {
    const { job, events } = await patiently(async () => ({
      // The job before its events: of a job that has ended there come no more.
      job: await api.call('GET', path),
      events: await eventsAfter(api, path, seen),
    }));
    seen = String(events.at(-1)?.['id'] ?? seen);
    view = { ...events.reduce(withEvent, view), status: String(job['status']) };
    show(view, events);
    if (ENDS.has(view.status)) return job;
    await sleep(POLL_MS);
  }
  throw new CliError('unreachable', `${id} has not ended`);
}

/** A training goes on while the API, or the line to it, is away for a moment. */
async function patiently<T>(look: () => Promise<T>): Promise<T> {
  for (let left = MAX_FAILED_LOOKS; ; left--) {
    try {
      return await look();
    } catch (error) {
      const isAway = error instanceof CliError && error.exitCode === EXIT_CODES.unreachable;
      if (left === 0 || !isAway) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** What happened since, oldest first. Lists are newest first, so pages are read until one has what was seen. */
async function eventsAfter(api: ApiClient, path: string, seen: string): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const body = await api.call('GET', `${path}/events`, { query: { limit: PAGE, after } });
    const rows = rowsOf(body);
    const at = rows.findIndex(({ id }) => id === seen);
    found.push(...(at === -1 ? rows : rows.slice(0, at)));
    if (at !== -1 || body['has_more'] !== true) break;
    after = String(rows.at(-1)?.['id']);
  }
  return found.reverse();
}

/** On a screen the picture is drawn over the one before, under the messages; elsewhere it is lines alone. */
function makeView({ write, columns }: Screen) {
  let drawn: readonly string[] = [];
  return (view: JobView, events: readonly JsonObject[]): void => {
    const messages = events.filter(({ type }) => type === 'message').map((event) => `${textOf(event)}\n`);
    const width = columns();
    if (width === undefined) {
      const last = events.findLast(({ type }) => type === 'metrics');
      write([...messages, ...(last === undefined ? [] : [`${barLine(view, PLAIN_COLUMNS)}\n`])].join(''));
      return;
    }
    const lines = viewLines(view, width - 1);
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
    const back = rows === 0 ? '' : `\u001b[${rows}A\u001b[0J`;
    write(`${back}${messages.join('')}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines;
  };
}

/** Messages come from the API; control characters in them must not reach the terminal. */
const textOf = ({ message }: JsonObject): string => String(message).replace(/\p{Cc}/gu, '�');
