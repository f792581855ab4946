import { test as property } from '@fast-check/vitest';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GRACE_MS, reprieveFor } from '#core/dunning/standing.ts';
import { changeTenant } from '#core/tenants/changeTenant.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { systemWorld } from '#io/world.ts';
import type { CrashPoint } from '#test/builders/crash.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { dunningOf } from '#test/builders/dunning.ts';

const HOUR_MS = 3_600_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const GOOD = 'active active none';
const OURS = 'suspended suspended payment_overdue';

/** What a person of the agency does, by the same way as the API. */
const agencySets = (
  dunning: ReturnType<typeof dunningOf>,
  tenantId: Tenant['id'],
  status: Tenant['status'],
) =>
  changeTenant(
    {
      directory: dunning.directory,
      ledger: dunning.ledger,
      world: systemWorld,
    },
    {
      tenantId,
      change: {
        status,
        suspension: status === 'suspended' ? { because: 'agency', sinceMs: dunning.clock.nowMs } : null,
      },
      act: { actor: 'agency', reason: 'test' },
    },
  );

test('an overdue payment is told of once, suspends when its grace ends, and is forgotten when it is paid', async () => {
  const dunning = dunningOf(database);
  const id = await dunning.newTenant();
  const pastDueEndsAtMs = dunning.clock.nowMs + 72 * HOUR_MS;
  dunning.show(id, 'past_due', { pastDueEndsAtMs });
  await dunning.run();
  await dunning.run();
  expect([await dunning.standing(id), dunning.told(id)]).toEqual([GOOD, ['payment_overdue']]);
  dunning.clock.nowMs = pastDueEndsAtMs - 1;
  await dunning.run();
  expect(await dunning.standing(id)).toBe(GOOD);
  dunning.clock.nowMs = pastDueEndsAtMs;
  await dunning.run();
  await dunning.run();
  expect(await dunning.standing(id)).toBe(OURS);
  dunning.show(id, 'active', { billing: { startMs: 2 } });
  await dunning.run();
  await dunning.run();
  expect([await dunning.standing(id), dunning.told(id)]).toEqual([
    GOOD,
    ['payment_overdue', 'account_suspended', 'account_restored'],
  ]);
});

test('where Dodo names no end of the grace it lasts a week', async () => {
  const dunning = dunningOf(database);
  const id = await dunning.newTenant();
  dunning.show(id, 'past_due');
  dunning.clock.nowMs += GRACE_MS - 1;
  await dunning.run();
  expect(await dunning.standing(id)).toBe(GOOD);
  dunning.clock.nowMs += 1;
  await dunning.run();
  expect(await dunning.standing(id)).toBe(OURS);
});

test.each(['cancelled', 'expired', 'paused', 'failed', 'active', 'something new'])(
  'on hold suspends at once, and %s opens the account again',
  async (status) => {
    const dunning = dunningOf(database);
    const id = await dunning.newTenant();
    dunning.show(id, 'on_hold');
    await dunning.run();
    expect(await dunning.standing(id)).toBe(OURS);
    dunning.show(id, status);
    await dunning.run();
    expect(await dunning.standing(id)).toBe(GOOD);
  },
);

test('what the agency suspended or closed stays so, whatever is paid', async () => {
  const dunning = dunningOf(database);
  for (const status of ['suspended', 'closed'] as const) {
    const id = await dunning.newTenant();
    await agencySets(dunning, id, status);
    for (const shown of ['on_hold', 'active']) {
      dunning.show(id, shown);
      await dunning.run();
    }
    expect(await dunning.standing(id)).toMatch(new RegExp(`^${status} ${status} `));
    expect(dunning.told(id)).toEqual([]);
  }
});

test('the agency may take a suspension over: it is then no longer lifted by a payment', async () => {
  const dunning = dunningOf(database);
  const id = await dunning.newTenant();
  dunning.show(id, 'on_hold');
  await dunning.run();
  await agencySets(dunning, id, 'suspended');
  dunning.show(id, 'active');
  await dunning.run();
  expect(await dunning.standing(id)).toBe('suspended suspended agency');
});

test('a run that dies at any of its awaits is finished by the next one, and tells nobody twice', async () => {
  for (const [from, to, end] of [
    ['active', 'on_hold', OURS],
    ['on_hold', 'active', GOOD],
    ['active', 'past_due', GOOD],
  ] as const) {
    const dieAt = async (crash: CrashPoint | undefined) => {
      const dunning = dunningOf(database);
      const id = await dunning.newTenant();
      dunning.show(id, from);
      await dunning.run();
      const before = dunning.told(id).length;
      dunning.show(id, to);
      const calls = await dunning.run(crash);
      await dunning.run();
      return { calls, standing: await dunning.standing(id), told: dunning.told(id).length - before };
    };
    const { calls } = await dieAt(undefined);
    for (let call = 1; call <= calls; call += 1) {
      const { standing, told } = await dieAt({ call, when: 'after' });
      expect([from, to, call, standing, told]).toEqual([from, to, call, end, 1]);
    }
  }
});

const acts = fc.oneof(
  fc.constantFrom('active', 'past_due', 'on_hold', 'paused', 'cancelled').map((status) => ({ status })),
  fc.integer({ min: 1, max: 300 }).map((hours) => ({ hours })),
  fc.constantFrom('active' as const, 'suspended' as const).map((agency) => ({ agency })),
  fc.integer({ min: 1, max: 14 }).map((dies) => ({ dies })),
);

property.prop([fc.array(acts, { minLength: 1, maxLength: 12 })], { numRuns: 12 })(
  'whatever happens in whatever order, the account ends as the last states ask',
  async (history) => {
    const dunning = dunningOf(database);
    const id = await dunning.newTenant();
    let byAgency = false;
    let shown: { status: string; atMs: number } = { status: 'active', atMs: dunning.clock.nowMs };
    for (const act of history) {
      if ('status' in act) {
        shown = { status: act.status, atMs: dunning.clock.nowMs };
        dunning.show(id, act.status, { billing: { startMs: dunning.clock.nowMs } });
      } else if ('hours' in act) dunning.clock.nowMs += act.hours * HOUR_MS;
      else if ('agency' in act) {
        await agencySets(dunning, id, act.agency);
        byAgency = act.agency === 'suspended';
      } else await dunning.run({ call: act.dies, when: 'after' });
    }
    await dunning.run();
    const isUnpaid =
      shown.status === 'on_hold' ||
      (shown.status === 'past_due' && dunning.clock.nowMs >= shown.atMs + GRACE_MS);
    expect(await dunning.standing(id)).toBe(byAgency ? 'suspended suspended agency' : isUnpaid ? OURS : GOOD);
  },
);

test.each([
  { untilHours: null, holdsHours: 24 * 365 },
  { untilHours: 48, holdsHours: 47 },
])(
  'who is let off calls unpaid, for as long as it was said: $untilHours',
  async ({ untilHours, holdsHours }) => {
    const dunning = dunningOf(database);
    const id = await dunning.newTenant();
    dunning.show(id, 'on_hold');
    await dunning.run();
    expect(await dunning.standing(id)).toBe(OURS);
    const letOff = async () => {
      const { nowMs } = dunning.clock;
      const untilMs = untilHours === null ? null : nowMs + untilHours * HOUR_MS;
      const reprieve = reprieveFor(dunning.shown(id), { nowMs, untilMs });
      const { directory, ledger } = dunning;
      await changeTenant(
        { directory, ledger, world: systemWorld },
        {
          tenantId: id,
          change: { status: 'active', suspension: null, reprieve },
          act: { actor: 'agency', reason: 'they pay by invoice' },
        },
      );
    };
    await letOff();
    for (const hours of [0, holdsHours]) {
      dunning.clock.nowMs += hours * HOUR_MS;
      await dunning.run();
      expect(await dunning.standing(id)).toBe(GOOD);
    }
    if (untilHours !== null) {
      dunning.clock.nowMs += 2 * HOUR_MS;
      await dunning.run();
      expect(await dunning.standing(id)).toBe(OURS);
      await letOff();
    }
    // Another payment that fails is another matter.
    dunning.show(id, 'active', { billing: { startMs: 2 } });
    await dunning.run();
    dunning.show(id, 'on_hold', { billing: { startMs: 2 } });
    await dunning.run();
    expect(await dunning.standing(id)).toBe(OURS);
    const { records } = await dunning.directory.listAudit({ tenantId: id, limit: 20 });
    expect(records.map(({ details }) => details['unpaidUntil'] ?? null)).toContainEqual(expect.any(String));
  },
);

test('a run that read the tenant before it was let off is put right by the next one', async () => {
  const dunning = dunningOf(database);
  const id = await dunning.newTenant();
  dunning.show(id, 'on_hold');
  const reprieve = reprieveFor(dunning.shown(id), { nowMs: dunning.clock.nowMs, untilMs: null });
  await dunning.run();
  const act = { actor: 'agency', reason: 'test' };
  await changeTenant(
    { directory: dunning.directory, ledger: dunning.ledger, world: systemWorld },
    { tenantId: id, change: { reprieve }, act },
  );
  await dunning.run();
  expect(await dunning.standing(id)).toBe(GOOD);
});
