import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAdapterEndpoint } from '#io/sagemaker/adapterEndpoint.ts';
import { makeRandom } from '#local/training/random.ts';
import { startAdapterDesk } from '#test/builders/adapters.ts';
import { s3Environment } from '#test/builders/awsService.ts';
import { startTestSageMaker, TEST_ENDPOINT, type TestSageMaker } from '#test/builders/sageMaker.ts';
import { syntheticAdapter } from '#test/builders/syntheticAdapters.ts';

/** Enough to fill the lanes twice where a change is judged; `npm run test:deep` calls hundreds ten thousand times. */
const DEEP = process.env['TUNEGATE_DEEP'] !== undefined;
const ADAPTERS = DEEP ? 300 : 10;
const CALLS = DEEP ? 10_000 : 60;
const AT_ONCE = 16;
const MOST_OPEN = 4;
/** Node, the base, four lanes and what the heaps hold on to, run as the product runs it. */
const MAX_RSS_MB = 400;
/** After so many calls every lane was opened hundreds of times: memory that still grows then is being lost. */
const SETTLED_AFTER = 2_000;
const MAX_GROWTH_MB = 40;
/** Switches that are timed one after another, when nothing else is asked. */
const TIMED = 40;
const SWITCH_MS = 20;

const PROBES = ['I want my money back.', 'Where is my order?'].map((content) => ({
  messages: [{ role: 'user', content }],
}));

type Served = { readonly component: string; readonly answers: readonly string[] };

let at: Awaited<ReturnType<typeof startAdapterDesk>>;
let sageMaker: TestSageMaker;
beforeAll(async () => {
  at = await startAdapterDesk();
  sageMaker = await startTestSageMaker({ env: s3Environment(at.aws.url) });
}, 60_000);
afterAll(() => Promise.all([sageMaker.stop(), at.stop()]));

/** Registers adapters, deploys them and answers by what each was proven: its fingerprint. */
async function serveAdapters(count: number): Promise<readonly Served[]> {
  const { path } = await at.agency.newTenant();
  const config = {
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    endpoint: sageMaker.url,
  };
  const worker = at.desk(
    makeAdapterEndpoint({
      control: new SageMakerClient(config),
      runtime: new SageMakerRuntimeClient(config),
      endpointName: TEST_ENDPOINT,
      baseComponent: 'tunegate-nano',
      baseModel: 'tunegate-nano',
      bucket: at.bucket,
    }),
  );
  const served: Served[] = [];
  const fingerprints = new Set<string>();
  for (let number = 0; served.length < count; number += 1) {
    const { body } = await at.register(path, syntheticAdapter(number), { probes: PROBES });
    await at.call('POST', `${path}/adapters/${body.id}/deploy`);
    await at.work(worker, 1_000);
    const { body: adapter } = await at.call('GET', `${path}/adapters/${body.id}`);
    // Chance makes an adapter now and then that answers nothing, and none of those is put into service.
    if (String(adapter.status_details).startsWith('says_nothing')) continue;
    expect(adapter).toMatchObject({ status: 'deployed' });
    const answers = adapter.fingerprint.probes.map((probe: { adapter: string }) => probe.adapter);
    // Or two that are alike.
    if (fingerprints.has(answers.join('\n'))) continue;
    fingerprints.add(answers.join('\n'));
    served.push({ component: adapter.inference_component_name, answers });
  }
  return served;
}

/** The same with what each answers while nobody else asks. */
async function askAlone(proven: readonly Served[]): Promise<readonly Served[]> {
  const served: Served[] = [];
  for (const { component } of proven) {
    const answers: string[] = [];
    for (const probe of PROBES) answers.push(await answerTo(component, probe));
    served.push({ component, answers });
  }
  return served;
}

/** What a component answers; throws when another one says that it does. */
async function answerTo(component: string, probe: (typeof PROBES)[number]): Promise<string> {
  const { model, choices } = await sageMaker.invoke(component, { ...probe, temperature: 0, max_tokens: 24 });
  if (model !== component) throw new Error(`${model} answered for ${component}`);
  return choices[0]?.message.content ?? '';
}

/** The calls whose right answer is no other adapter's, so that each answer shows who gave it. */
function tellingCalls(served: readonly Served[]) {
  const known = PROBES.map((_, probe) => {
    const counts = new Map<string, number>();
    for (const { answers } of served) {
      const answer = answers[probe] ?? '';
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
    return counts;
  });
  const calls = served.flatMap((adapter) =>
    PROBES.flatMap((_, probe) =>
      known[probe]?.get(adapter.answers[probe] ?? '') === 1 ? [{ adapter, probe }] : [],
    ),
  );
  return { calls, known };
}

test(
  `${ADAPTERS} adapters share one base over ${CALLS} calls, and none is answered by another’s`,
  async () => {
    const served = await serveAdapters(ADAPTERS);
    expect(await askAlone(served)).toEqual(served); // a fingerprint is what a call gets that shares with nobody
    const { calls, known } = tellingCalls(served);
    expect(new Set(calls.map(({ adapter }) => adapter.component)).size).toBeGreaterThan(0.95 * ADAPTERS);

    const random = makeRandom(7);
    const before = await sageMaker.stats();
    const seen = { own: 0, rounded: 0, foreign: 0, unlike: 0, settledRssMb: 0, maxRssMb: 0 };
    const inFlight = new Map<string, Set<{ shared: boolean }>>();
    const startedMs = performance.now();
    let made = 0;
    const ask = async ({ adapter, probe }: (typeof calls)[number]): Promise<void> => {
      const question = PROBES[probe] ?? { messages: [] };
      // Calls of one adapter that are computed together may round otherwise in the last digit, which an answer of no
      // meaning can show. A call that had its adapter for itself has no such excuse.
      const companions = inFlight.get(adapter.component) ?? new Set();
      inFlight.set(adapter.component, companions);
      const call = { shared: companions.size > 0 };
      for (const companion of companions) companion.shared = true;
      companions.add(call);
      const text = await answerTo(adapter.component, question);
      companions.delete(call);
      if (text === adapter.answers[probe]) seen.own += 1;
      else if (known[probe]?.has(text) === true) seen.foreign += 1;
      else if (call.shared) seen.rounded += 1;
      else seen.unlike += 1;
    };
    const caller = async (): Promise<void> => {
      while (made < CALLS) {
        made += 1;
        const call = calls[Math.floor(random() * calls.length)];
        if (call !== undefined) await ask(call);
        if (made % 50 !== 0) continue;
        const { rssMb } = await sageMaker.stats();
        seen.maxRssMb = Math.max(seen.maxRssMb, rssMb);
        if (made <= SETTLED_AFTER) seen.settledRssMb = Math.max(seen.settledRssMb, rssMb);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    const seconds = (performance.now() - startedMs) / 1_000;
    const alone = new Map(calls.map((call) => [call.adapter.component, call]));
    for (const call of [...alone.values()].slice(0, TIMED)) await ask(call);
    const [engine] = (await sageMaker.stats()).engines;
    const openMs = [...(engine?.openMs ?? [])].slice(-TIMED).sort((a, b) => a - b);
    const p50 = openMs[Math.floor(openMs.length / 2)] ?? Number.NaN;
    const opened = (engine?.opened ?? 0) - (before.engines[0]?.opened ?? 0);
    if (DEEP) console.log(JSON.stringify({ ADAPTERS, CALLS, ...seen, opened, p50, seconds }));

    expect({ foreign: seen.foreign, unlike: seen.unlike }).toEqual({ foreign: 0, unlike: 0 });
    expect(engine?.open).toBeLessThanOrEqual(MOST_OPEN);
    expect(seen.maxRssMb).toBeLessThan(MAX_RSS_MB);
    expect(seen.maxRssMb).toBeLessThan(seen.settledRssMb + MAX_GROWTH_MB);
    expect(opened).toBeGreaterThan(ADAPTERS / 2); // they did take turns
    // On a busy machine a switch waits for its turn like everything else: its time is judged in the long run alone.
    if (DEEP) expect(p50).toBeLessThanOrEqual(SWITCH_MS);
  },
  DEEP ? 3_600_000 : 120_000,
);
