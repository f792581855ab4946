import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { undeployAdapter } from '#core/adapters/directAdapter.ts';
import { lookAfter } from '#core/adapters/lookAfter.ts';
import type { DeployDesk } from '#core/adapters/ports.ts';
import { receiveMessage } from '#core/adapters/receiveMessage.ts';
import { watchAdapters } from '#core/adapters/watchAdapters.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { scriptedEndpoint, startAdapterDesk } from '#test/builders/adapters.ts';
import { Crash, withCrash } from '#test/builders/crash.ts';
import { interleave, ordersOf } from '#test/builders/interleave.ts';
import { aDeployedAdapter } from '#test/builders/registeredAdapter.ts';
import { watchedAdapter } from '#test/builders/watchedAdapter.ts';

// Deployed adapters are looked after: the function on a schedule, and what it asks of the one behind the queue.

const MINUTE_MS = 60_000;

let at: Awaited<ReturnType<typeof startAdapterDesk>>;
beforeAll(async () => {
  at = await startAdapterDesk();
}, 60_000);
afterAll(() => at.stop());

const inService = () => watchedAdapter(at);

test('an adapter that is well is left alone, however often it is looked at', async () => {
  const { watch, read, script } = await inService();
  await watch(); // copies are seen for the first time
  const { fingerprint, status_at } = await read();
  for (let run = 0; run < 3; run += 1) expect(await watch()).toMatchObject({ asked: 0, out: [] });
  expect(await read()).toMatchObject({ status: 'deployed', status_at, outage: null });
  expect((await read()).fingerprint.proven_at).toBe(fingerprint.proven_at);
  expect([script.created, at.failures]).toEqual([1, []]);
});

test('one that its endpoint lost is loaded anew and proven, by itself', async () => {
  const { watch, read, script, components, component } = await inService();
  await watch();
  components.clear();
  expect(await watch()).toMatchObject({ asked: 1 });
  expect(await read()).toMatchObject({ status: 'deployed', outage: null });
  expect([...components.keys()]).toEqual([component]);
  expect([script.created, at.failures.length]).toEqual([2, 1]);
});

test('one that turned failed is taken down and loaded anew', async () => {
  const { watch, read, script, components, component } = await inService();
  await watch();
  script.failureReason = 'the copy ran out of memory';
  await watch();
  const out = await read();
  expect(out).toMatchObject({
    status: 'failed',
    outage: { why: expect.stringMatching(/^component_failed: .*memory/u), tries: 1 },
  });
  expect(components.has(component)).toBe(false);
  script.failureReason = null;
  await watch(6 * MINUTE_MS);
  expect(await read()).toMatchObject({ status: 'deployed', outage: null });
});

test('one that does not come back is tried with growing pauses, then left to a person, and the agency is told of both', async () => {
  const { watch, read, script, components, own, told, worker } = await inService();
  await watch();
  components.clear();
  script.failureReason = 'no room for it';
  const triedAfter: number[] = [];
  const lostAtMs = at.agency.clock.nowMs;
  let created = script.created;
  for (let minutes = 5; minutes <= 360; minutes += 5) {
    await watch();
    if (script.created > created) triedAfter.push((at.agency.clock.nowMs - lostAtMs) / MINUTE_MS);
    created = script.created;
  }
  expect(triedAfter).toEqual([5, 10, 30, 90, 330]);
  expect(await read()).toMatchObject({
    status: 'failed',
    status_details: expect.stringMatching(/^component_failed/u),
    outage: { tries: 5, next_try_at: null },
  });
  expect((await told('adapters_out')).length).toBe(1);
  expect((await told('adapters_given_up')).length).toBe(1);

  script.failureReason = null;
  await at.call('POST', `${own}/deploy`);
  await at.work(worker);
  expect(await read()).toMatchObject({ status: 'deployed', outage: null });
});

describe('copies that came after the proof', () => {
  test('are proven too, once', async () => {
    const { watch, read, script } = await inService();
    await watch();
    script.copies = 4;
    expect(await watch()).toMatchObject({ asked: 1 });
    expect((await read()).fingerprint.answers_compared).toBe(49);
    expect(await watch()).toMatchObject({ asked: 0 });
    // Fewer are no new ones; as many as before are.
    script.copies = 2;
    expect(await watch()).toMatchObject({ asked: 0 });
    script.copies = 4;
    expect(await watch()).toMatchObject({ asked: 1 });
  });

  test('are not woken for it', async () => {
    const { watch, script } = await inService();
    await watch();
    script.copies = 0;
    expect(await watch()).toMatchObject({ asked: 0 });
    script.copies = 1;
    expect(await watch()).toMatchObject({ asked: 1 });
  });

  test('that let the base answer take the adapter out of service until it is proven again, and its canary ends', async () => {
    const { watch, read, script, path, id, tenantId, worker, components } = await inService();
    await worker.adapters.create(aDeployedAdapter(tenantId, 'adp_other'), {});
    const other = { alias: 'beta', base_model: 'tunegate-nano', adapter_id: 'adp_other' };
    await at.agency.admin('POST', `${path}/models`, other);
    await at.agency.admin('POST', `${path}/models/beta/rollout/canary`, { adapter_id: id, percent: 10 });
    await watch();
    const honest = script.answer;
    script.copies = 3;
    script.answer = (adapterId, question, copy) =>
      copy === 2
        ? { model: adapterId ?? 'tunegate-nano', text: `base ${question}` }
        : honest(adapterId, question, copy);
    await watch();
    expect(await read()).toMatchObject({
      status: 'failed',
      outage: { why: expect.stringMatching(/^base_answered/u) },
    });
    expect([...components.keys()].filter((name) => name !== 'adp-other')).toEqual([]);
    const { body: rollout } = await at.agency.admin('GET', `${path}/models/beta/rollout`);
    expect(rollout).toMatchObject({ canary: null, stable: { adapter_id: 'adp_other' } });
    expect(rollout.history.data[0]).toMatchObject({
      actor: 'tunegate',
      reason: expect.stringContaining('base_answered'),
    });
    script.answer = honest;
    await watch(6 * MINUTE_MS);
    expect(await read()).toMatchObject({ status: 'deployed', outage: null });
  });

  test('that answer wrongly once, and not when they are asked again, change nothing', async () => {
    const { watch, read, script } = await inService();
    await watch();
    const honest = script.answer;
    let lies = 10;
    script.copies = 2;
    script.answer = (adapterId, question, copy) => {
      if (adapterId === null || lies === 0) return honest(adapterId, question, copy);
      lies -= 1;
      return { model: adapterId, text: 'something else' };
    };
    await watch();
    expect([lies, (await read()).status, at.failures]).toEqual([0, 'deployed', []]);
  });
});

test('what nobody follows any more is taken up again: a deployment, and a component that was to go', async () => {
  const { watch, read, components, component, worker, tenantId, id, path, own } = await inService();
  await watch();
  await at.agency.admin('DELETE', `${path}/models/support`);
  const adapter = await worker.adapters.read(tenantId, id);
  if (adapter === undefined) throw new Error('it is registered');
  // Undeployed, and its message was lost.
  const undeployed = { ...adapter, status: 'registered', version: adapter.version + 1 } as const;
  await worker.adapters.change(adapter, undeployed);
  expect(components.has(component)).toBe(true);
  await watch();
  expect(components.has(component)).toBe(false);
  // Deploying, and its message was lost.
  const deploying = { ...undeployed, status: 'deploying', version: undeployed.version + 1 } as const;
  await worker.adapters.change(undeployed, { ...deploying, statusAtMs: at.agency.clock.nowMs });
  expect(await watch()).toMatchObject({ asked: 0 });
  await watch(60 * MINUTE_MS);
  expect(await read()).toMatchObject({
    status: 'failed',
    status_details: expect.stringMatching(/^deploy_timed_out/u),
  });
  await at.call('POST', `${own}/deploy`);
  await at.work(worker);
  expect((await read()).status).toBe('deployed');
});

test('runs at once, and messages that come twice, load an adapter once', async () => {
  const { watch, read, script, components, desk, worker } = await inService();
  await watch();
  components.clear();
  await Promise.all([watchAdapters(desk), watchAdapters(desk), watchAdapters(desk)]);
  await at.work(worker, 1_000);
  expect(await read()).toMatchObject({ status: 'deployed', outage: null });
  expect([script.created, at.failures.length]).toEqual([2, 1]);
});

test('a run asks for so many looks and no more: the next one goes on', async () => {
  const { desk, worker, tenantId, components, own, path } = await inService();
  await at.agency.admin('DELETE', `${path}/models/support`);
  await at.call('POST', `${own}/undeploy`);
  await at.work(worker);
  for (let n = 0; n < 130; n += 1)
    await worker.adapters.create(aDeployedAdapter(tenantId, `adp_lost${n}`), {});
  expect(components.size).toBe(0);
  const sent: unknown[] = [];
  const counting = { ...desk, queue: { send: async (message: unknown) => void sent.push(message) } };
  expect(await watchAdapters(counting)).toMatchObject({ asked: 100, postponed: 30, unseen: [] });
  expect(sent).toHaveLength(100);
  at.agency.clock.nowMs += 5 * MINUTE_MS;
  await watchAdapters(counting);
  expect(new Set(sent.map((message) => JSON.stringify(message))).size).toBe(130);
});

test('what cannot be seen of one endpoint keeps nobody from the others', async () => {
  const { desk, worker, components, tenantId, read, watch } = await inService();
  await watch();
  await worker.adapters.create(aDeployedAdapter(tenantId, 'adp_there', { endpoint: 'gone' }), {});
  components.clear();
  const copies = async (endpoint?: string) => {
    if (endpoint === 'gone') throw new Error('not authorized to describe it');
    return 1;
  };
  const blind = { ...desk, endpoint: { ...desk.endpoint, copies } };
  expect(await watchAdapters(blind)).toMatchObject({ asked: 2, unseen: [{ what: 'the copies of gone' }] });
  await at.work(worker, 1_000);
  expect(await read()).toMatchObject({ status: 'deployed', outage: null });
});

test('one that is undeployed while it is found lost stays undeployed, at whatever moments the two meet', async () => {
  const { endpoint, components } = scriptedEndpoint();
  const worker: DeployDesk = at.desk(endpoint);
  const { world, archives, sha256, log, countFailure, jobs, ...ports } = worker;
  const rest = { world, archives, sha256, log, countFailure, jobs };
  const queue = { send: async () => undefined };
  const act = { actor: 'test', reason: 'a test' };
  for (const order of ordersOf(4, 3)) {
    components.clear();
    const tenantId = (await at.agency.newTenant()).id as TenantId;
    const ref = { tenantId, adapterId: 'adp_one' as AdapterId };
    await worker.adapters.create(aDeployedAdapter(tenantId, 'adp_one'), {});
    await interleave<unknown>(order, [
      (along) => lookAfter({ ...along({ ...ports, queue }), ...rest }, ref),
      (along) => undeployAdapter({ ...along({ ...ports, queue }), ...rest }, ref, act),
    ]);
    for (let looks = 0; looks < 5; looks += 1) await lookAfter({ ...worker, queue }, ref);
    expect([order, (await worker.adapters.read(tenantId, ref.adapterId))?.status, components.size]).toEqual([
      order,
      'registered',
      0,
    ]);
  }
});

test.each([
  ['is lost', 1],
  ['answers as its base', 2],
] as const)(
  'a look at an adapter that %s may die at any await: its message brings the adapter back',
  async (trouble, runs) => {
    const tenantId = (await at.agency.newTenant()).id as TenantId;
    let calls = Number.POSITIVE_INFINITY;
    for (let call = 1; call <= calls; call += 1) {
      for (const when of ['before', 'after'] as const) {
        const { endpoint, components, script } = scriptedEndpoint();
        const honest = script.answer;
        const worker = at.desk(endpoint);
        const id = `adp_${call}${when}`;
        const ref = { tenantId, adapterId: id as AdapterId };
        const probes = [{ messages: [{ role: 'user', content: 'Who are you?' }] }] as const;
        await worker.adapters.create(aDeployedAdapter(tenantId, id, { probes }), {});
        if (trouble !== 'is lost') {
          components.set(`adp-${call}${when}`, { looks: script.creatingLooks });
          script.answer = (adapterId, question) => ({ ...honest(null, question, 0), model: adapterId ?? '' });
        }
        const { adapters, directory, rollouts } = worker;
        const dying = withCrash({ adapters, directory, rollouts, endpoint }, { call, when });
        const body = JSON.stringify({ kind: 'watch', ...ref, provenSinceMs: at.agency.clock.nowMs });
        await receiveMessage({ ...worker, ...dying.ports }, body).catch((error: unknown) => {
          if (!(error instanceof Crash)) throw error;
        });
        calls = dying.calls() < call ? 0 : calls;
        script.answer = honest;
        // The queue delivers it again; where the next try has to wait, so does the next run.
        for (let run = 0; run < runs; run += 1) {
          at.agency.clock.nowMs += 6 * MINUTE_MS;
          await receiveMessage(worker, body);
          await at.work(worker, 1_000);
        }
        const found = await adapters.read(tenantId, ref.adapterId);
        expect([call, when, found?.status, found?.outage, [...components.keys()]]).toEqual([
          call,
          when,
          'deployed',
          undefined,
          [`adp-${call}${when}`],
        ]);
        expect(found?.fingerprint?.answers).toEqual([`${id} Who are you?`]);
      }
    }
  },
);
