import type { TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { LateReason, OverageOutbox, OverageUse, UsageMeter } from './overagePorts.ts';

export type ReportUsageDeps = {
  readonly outbox: OverageOutbox;
  readonly meter: UsageMeter;
  readonly directory: Pick<Directory, 'readTenant'>;
  readonly clock: Clock;
};

/** What a run did, in uses. `waiting` stay for the next one. */
export type ReportedUsage = {
  readonly reported: number;
  readonly late: readonly { readonly id: string; readonly reason: LateReason }[];
  readonly waiting: number;
  /** What Dodo said when it could not be reached or did not answer; null: all calls were answered. */
  readonly failure: string | null;
};

/** Dodo's own limit on a call. */
const MAX_EVENTS_A_CALL = 1_000;
/** Of each part of the outbox; what is beyond waits for the next minute. */
const MAX_READ = 2_500;
/** Dodo takes 240 calls a minute of everybody together: this leaves most of them to payments. */
const MAX_CALLS = 60;
/** Dodo takes what is up to an hour old; a call on its way needs a moment. */
const LATE_AFTER_MS = 58 * 60_000;
/** Dodo takes what is up to five minutes ahead of its clock. */
const AHEAD_MS = 4 * 60_000;
const FIRST_PAUSE_MS = 60_000;
/** Short enough that an hour has several tries. */
const LONGEST_PAUSE_MS = 8 * 60_000;

/** Ends before the next run begins, with a last call that takes its time: so the limit on calls is one of all runs. */
const MAX_RUN_MS = 45_000;
/** Late uses that are looked up together, and the calls that one look-up may take. */
const LOOKED_UP_TOGETHER = 500;
const MAX_LIST_CALLS = 5;

type Run = ReportUsageDeps & { calls: number; reported: number; failure: string | null } & {
  readonly startedMs: number;
  readonly late: { id: string; reason: LateReason }[];
};

/**
 * Reports what waits in the outbox, what Dodo still takes before all else. Every step may be the last before a crash:
 * what Dodo took and we did not note is sent again under the same ids, which Dodo ignores; what looks late is looked up
 * there before it is called late.
 */
export async function reportUsage(deps: ReportUsageDeps): Promise<ReportedUsage> {
  const nowMs = deps.clock();
  const pause = await deps.outbox.readPause();
  // Read apart, so that a long list of late ones never stands in front of those that are in time.
  const sinceMs = nowMs - LATE_AFTER_MS;
  const [uses, old] = await Promise.all([
    deps.outbox.pending(MAX_READ, { fromMs: sinceMs }),
    deps.outbox.pending(MAX_READ, { untilMs: sinceMs }),
  ]);
  const waiting = uses.length + old.length;
  const run: Run = { ...deps, startedMs: nowMs, calls: 0, reported: 0, failure: null, late: [] };
  if (waiting === 0 || nowMs < pause.untilMs) return resultOf(run, waiting);

  const isAhead = ({ atMs }: OverageUse): boolean => atMs - nowMs > AHEAD_MS;
  const { billed, unknown } = await byCustomer(
    deps,
    uses.filter((use) => !isAhead(use)),
  );
  for (let from = 0; from < billed.length && canGoOn(run); from += MAX_EVENTS_A_CALL) {
    await send(run, billed.slice(from, from + MAX_EVENTS_A_CALL));
  }
  for (const use of unknown) await toLate(run, use, { reason: 'no_customer', detail: 'no customer at Dodo' });
  for (let from = 0; from < old.length && canGoOn(run); from += LOOKED_UP_TOGETHER) {
    await lateUnlessListed(run, old.slice(from, from + LOOKED_UP_TOGETHER));
  }
  const failures = run.failure === null ? 0 : pause.failures + 1;
  if (failures > 0 || pause.failures > 0) await deps.outbox.writePause(pauseAfter(failures, nowMs));
  return resultOf(run, waiting);
}

const resultOf = ({ reported, late, failure }: Run, pending: number): ReportedUsage => ({
  reported,
  late,
  waiting: pending - reported - late.length,
  failure,
});

const canGoOn = (run: Run): boolean =>
  run.failure === null && run.calls < MAX_CALLS && run.clock() - run.startedMs < MAX_RUN_MS;

const pauseAfter = (failures: number, nowMs: number) => ({
  failures,
  untilMs: failures === 0 ? 0 : nowMs + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)),
});

type Billed = OverageUse & { readonly customerId: string };

async function byCustomer({ directory }: ReportUsageDeps, uses: readonly OverageUse[]) {
  const customers = new Map<TenantId, string | undefined>();
  for (const { tenantId } of uses) {
    if (customers.has(tenantId)) continue;
    customers.set(tenantId, (await directory.readTenant(tenantId))?.dodoCustomerId);
  }
  const billed: Billed[] = [];
  const unknown: OverageUse[] = [];
  for (const use of uses) {
    const customerId = customers.get(use.tenantId);
    if (customerId === undefined) unknown.push(use);
    else billed.push({ ...use, customerId });
  }
  return { billed, unknown };
}

/** Sends a batch; one that is refused is halved until what was refused stands alone. */
async function send(run: Run, batch: readonly Billed[]): Promise<void> {
  if (!canGoOn(run) || batch.length === 0) return;
  run.calls += 1;
  const sent = await run.meter.ingest(batch);
  if (sent.ok) {
    await run.outbox.remove(batch);
    run.reported += batch.length;
    return;
  }
  if (sent.error.code === 'payment_provider_unavailable') {
    run.failure = sent.error.detail;
    return;
  }
  const [first] = batch;
  if (batch.length === 1 && first !== undefined) {
    return lateUnlessKnown(run, first, { reason: 'refused', detail: sent.error.detail });
  }
  const middle = Math.ceil(batch.length / 2);
  await send(run, batch.slice(0, middle));
  await send(run, batch.slice(middle));
}

type Why = { readonly reason: LateReason; readonly detail: string };

const TOO_LATE: Why = { reason: 'too_late', detail: 'older than Dodo takes' };

/** After Dodo was away for hours it has few of them: then a call or two tell of hundreds. */
async function lateUnlessListed(run: Run, uses: readonly OverageUse[]): Promise<void> {
  const [first, last] = [uses[0], uses.at(-1)];
  if (first === undefined || last === undefined) return;
  const maxCalls = Math.min(MAX_LIST_CALLS, MAX_CALLS - run.calls);
  const listed = await run.meter.listIds({ fromMs: first.atMs, untilMs: last.atMs, maxCalls });
  if (!listed.ok) {
    run.failure = listed.error.detail;
    return;
  }
  const { ids, isComplete, calls } = listed.value;
  run.calls += calls;
  const known = uses.filter(({ id }) => ids.has(id));
  if (known.length > 0) await run.outbox.remove(known);
  run.reported += known.length;
  for (const use of uses.filter(({ id }) => !ids.has(id))) {
    if (!canGoOn(run)) return;
    if (isComplete) await toLate(run, use, TOO_LATE);
    else await lateUnlessKnown(run, use, TOO_LATE);
  }
}

/** Dodo may have it from a run that died, or whose answer was lost: then it is billed, and late for nobody. */
async function lateUnlessKnown(run: Run, use: OverageUse, why: Why): Promise<void> {
  run.calls += 1;
  const known = await run.meter.has(use.id);
  if (!known.ok) {
    run.failure = known.error.detail;
    return;
  }
  if (!known.value) return toLate(run, use, why);
  await run.outbox.remove([use]);
  run.reported += 1;
}

async function toLate(run: Run, use: OverageUse, why: Why): Promise<void> {
  await run.outbox.moveToLate(use, { ...why, atMs: run.clock() });
  run.late.push({ id: use.id, reason: why.reason });
}
