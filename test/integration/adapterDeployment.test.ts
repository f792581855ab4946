import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { DeleteInferenceComponentCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeployDesk } from '#core/adapters/ports.ts';
import { watchAdapters } from '#core/adapters/watchAdapters.ts';
import { readSafetensors, writeSafetensors } from '#core/weights/safetensors.ts';
import { makeCopiesBook } from '#io/dynamodb/copiesBook.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makeAdapterEndpoint } from '#io/sagemaker/adapterEndpoint.ts';
import { makeEndpointOverview } from '#io/sagemaker/endpointOverview.ts';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { listenOnLoopback } from '#local/shared/serviceMain.ts';
import { startAdapterDesk } from '#test/builders/adapters.ts';
import { adapterArchive } from '#test/builders/archives.ts';
import { s3Environment } from '#test/builders/awsService.ts';
import { startTestSageMaker, TEST_ENDPOINT, type TestSageMaker } from '#test/builders/sageMaker.ts';

const [northwind] = DEMO_TENANTS;
if (northwind === undefined) throw new Error('there are demonstration tenants');
const PROBES = ['I want my money back.', 'Where is my order?'].map((content) => ({
  messages: [
    { role: 'system', content: northwind.systemPrompt },
    { role: 'user', content },
  ],
}));

let at: Awaited<ReturnType<typeof startAdapterDesk>>;
let sageMaker: TestSageMaker;
beforeAll(async () => {
  at = await startAdapterDesk();
  sageMaker = await startTestSageMaker({ env: s3Environment(at.aws.url) });
}, 60_000);
afterAll(() => Promise.all([sageMaker.stop(), at.stop()]));

/** The real driver on the local SageMaker; its calls may go by another address. */
const endpointAt = (runtimeUrl: string, copies?: number) => {
  const config = {
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const endpoint = makeAdapterEndpoint({
    control: new SageMakerClient({ ...config, endpoint: sageMaker.url }),
    runtime: new SageMakerRuntimeClient({ ...config, endpoint: runtimeUrl }),
    endpointName: TEST_ENDPOINT,
    baseComponent: 'tunegate-nano',
    baseModel: 'tunegate-nano',
    bucket: at.bucket,
  });
  return copies === undefined ? endpoint : { ...endpoint, copies: async () => copies };
};

async function deployed(archive: Uint8Array, probes: unknown, url = sageMaker.url, copies?: number) {
  const { path } = await at.agency.newTenant();
  const { body: adapter } = await at.register(path, archive, { probes });
  const own = `${path}/adapters/${adapter.id}`;
  await at.call('POST', `${own}/deploy`);
  await at.work(at.desk(endpointAt(url, copies)));
  return { own, adapter: (await at.call('GET', own)).body };
}

test('an adapter is loaded from its archive, proven by its answers, and taken down again', async () => {
  const { own, adapter } = await deployed(adapterArchive(), PROBES);
  expect(adapter).toMatchObject({
    status: 'deployed',
    fingerprint: { answers_compared: 4, probes: [{ adapter: 'return_refund' }, { adapter: 'order_status' }] },
  });
  for (const probe of adapter.fingerprint.probes) expect(probe.base).not.toBe(probe.adapter);
  const answer = await sageMaker.invoke(adapter.inference_component_name, { ...PROBES[0], temperature: 0 });
  expect(answer.choices[0]?.message.content).toBe('return_refund');

  await at.call('POST', `${own}/undeploy`);
  await at.work(at.desk(endpointAt(sageMaker.url)));
  await expect(sageMaker.invoke(adapter.inference_component_name, PROBES[0] ?? {})).rejects.toThrow(
    'not found',
  );

  await at.call('POST', `${own}/deploy`);
  await at.work(at.desk(endpointAt(sageMaker.url)));
  expect((await at.call('GET', own)).body).toMatchObject({ status: 'deployed' });
});

test('an adapter that the endpoint lost is found by its lists, and answers again', async () => {
  const { own, adapter } = await deployed(adapterArchive(), PROBES);
  const InferenceComponentName = adapter.inference_component_name;
  const { client, prefix } = at.agency.database;
  const worker = at.desk(endpointAt(sageMaker.url));
  const desk = {
    ...worker,
    endpoint: makeEndpointOverview(sageMaker.control, { baseComponent: 'tunegate-nano' }),
    copies: makeCopiesBook(client, `${prefix}directory`),
    notices: makeNoticeOutbox(client, `${prefix}billing`),
  };
  await watchAdapters(desk);
  await at.workUntilIdle(worker);
  expect(await watchAdapters(desk)).toMatchObject({ asked: 0, out: [] });

  await sageMaker.control.send(new DeleteInferenceComponentCommand({ InferenceComponentName }));
  await expect(sageMaker.invoke(InferenceComponentName, PROBES[0] ?? {})).rejects.toThrow('not found');
  await watchAdapters(desk);
  await at.workUntilIdle(worker);
  expect((await at.call('GET', own)).body).toMatchObject({ status: 'deployed', outage: null });
  const answer = await sageMaker.invoke(InferenceComponentName, { ...PROBES[0], temperature: 0 });
  expect(answer.choices[0]?.message.content).toBe('return_refund');
});

test('an adapter of a tenant with an endpoint of its own is deployed and proven there, and its model leads there', async () => {
  const { path } = await at.agency.newTenant();
  await at.agency.admin('PATCH', path, { endpoint: 'acme' });
  const { body: registered } = await at.register(path, adapterArchive(), { probes: PROBES });
  const own = `${path}/adapters/${registered.id}`;
  await at.call('POST', `${own}/deploy`);
  await at.work(at.desk(endpointAt(sageMaker.url)));
  const { body: adapter } = await at.call('GET', own);
  expect(adapter).toMatchObject({ status: 'deployed', endpoint: 'acme' });
  await expect(sageMaker.invoke(adapter.inference_component_name, PROBES[0] ?? {})).rejects.toThrow(
    'not found',
  );
  const wanted = { alias: 'support', base_model: 'tunegate-nano', adapter_id: adapter.id };
  expect(await at.agency.admin('POST', `${path}/models`, wanted)).toMatchObject({
    status: 201,
    body: { engine: { kind: 'sagemaker', endpoint: 'acme' } },
  });
});

describe('an adapter in use whose tenant gets an endpoint of its own', () => {
  const LATER_MS = 17 * 60_000;

  /** Deployed on the shared endpoint, and what answers a model there; then the tenant has one of its own. */
  async function inUse() {
    const { path } = await at.agency.newTenant();
    const { body: adapter } = await at.register(path, adapterArchive(), { probes: PROBES });
    const own = `${path}/adapters/${adapter.id}`;
    const work = (desk: Partial<DeployDesk> = {}) =>
      at.workUntilIdle({ ...at.desk(endpointAt(sageMaker.url)), ...desk });
    await at.call('POST', `${own}/deploy`);
    await work();
    const model = { alias: 'support', base_model: 'tunegate-nano', adapter_id: adapter.id };
    await at.agency.admin('POST', `${path}/models`, model);
    await at.agency.admin('PATCH', path, { endpoint: 'acme' });
    const rollout = async () => (await at.agency.admin('GET', `${path}/models/support/rollout`)).body;
    const read = async () => (await at.call('GET', own)).body;
    return { own, work, rollout, read, shared: (await read()).inference_component_name };
  }
  const answerOf = (component: string, endpoint?: string) =>
    sageMaker.invoke(component, { ...PROBES[0], temperature: 0 }, endpoint).then(
      ({ choices }) => choices[0]?.message.content,
      (error: Error) => error.message,
    );

  test('moves without a new version, and answers where it was until it is proven there', async () => {
    const { own, work, rollout, read, shared } = await inUse();
    const begun = await at.call('POST', `${own}/deploy`);
    expect(begun).toMatchObject({
      status: 202,
      body: { status: 'deployed', endpoint: null, move: { state: 'coming', endpoint: 'acme' } },
    });
    expect(await answerOf(shared)).toBe('return_refund');

    await work();
    const there = await read();
    expect(there).toMatchObject({ status: 'deployed', endpoint: 'acme', move: { state: 'leaving' } });
    const { stable, history } = await rollout();
    expect(stable).toMatchObject({
      adapter_id: there.id,
      inference_component_name: there.inference_component_name,
      engine: { kind: 'sagemaker', endpoint: 'acme' },
    });
    expect(history.data).toMatchObject([{ action: 'move', actor: 'tunegate' }]);
    expect(await answerOf(there.inference_component_name, 'acme')).toBe('return_refund');
    // Calls that began before may run for a quarter of an hour.
    expect(await answerOf(shared)).toBe('return_refund');
    await at.agency.admin('PATCH', own.replace(/\/adapters.*/u, ''), { endpoint: 'other' });
    expect((await at.call('POST', `${own}/deploy`)).status).toBe(409);

    const { world } = at.deps;
    await work({ world: { ...world, clock: () => world.clock() + LATER_MS } });
    expect(await read()).toMatchObject({ endpoint: 'acme', move: null });
    expect(await answerOf(shared)).toMatch(/not found/u);
    expect(await answerOf(there.inference_component_name, 'acme')).toBe('return_refund');
  });

  test('stays where it is, and answers, when it cannot be proven there', async () => {
    const { own, work, rollout, read, shared } = await inUse();
    const liar = await startLyingCopy(sageMaker.url, () => true);
    await at.call('POST', `${own}/deploy`);
    await work({ endpoint: endpointAt(liar.url) });
    liar.stop();
    expect(await read()).toMatchObject({ status: 'deployed', endpoint: null, move: null });
    expect((await read()).status_details).toMatch(/^It could not be moved to acme: (?:base|answers)_/u);
    expect(await rollout()).toMatchObject({ revision: 0, stable: { engine: null } });
    expect(await answerOf(shared)).toBe('return_refund');
    expect(await answerOf(`${shared}-acme`, 'acme')).toMatch(/not found/u);
  });
});

test('a copy that lets the base answer, and signs with the adapter’s name, fails the deployment', async () => {
  const liar = await startLyingCopy(sageMaker.url, (n) => n % 3 === 0);
  const { adapter } = await deployed(adapterArchive(), PROBES, liar.url, 3);
  expect(adapter).toMatchObject({ status: 'failed', fingerprint: null });
  expect(adapter.status_details).toMatch(/^base_answered: /);
  await expect(sageMaker.invoke(adapter.inference_component_name, PROBES[0] ?? {})).rejects.toThrow(
    'not found',
  );
  liar.stop();
});

test('an endpoint whose every copy lets the base answer is not believed either', async () => {
  const liar = await startLyingCopy(sageMaker.url, () => true);
  const { adapter } = await deployed(adapterArchive(), PROBES, liar.url);
  expect(adapter.status_details).toMatch(/^not_distinct: /);
  liar.stop();
});

test('an adapter that changes nothing cannot be told from its base, and is not deployed', async () => {
  const file = readSafetensors(readFileSync(`${northwind.adapterDirectory}/adapter_model.safetensors`));
  const zeros = new Map(
    [...file.tensors].map(([name, tensor]) => [
      name,
      { ...tensor, bytes: new Uint8Array(tensor.bytes.length) },
    ]),
  );
  const archive = adapterArchive({
    'adapter_model.safetensors': writeSafetensors({ metadata: file.metadata, tensors: zeros }),
  });
  const { adapter } = await deployed(archive, PROBES);
  expect(adapter).toMatchObject({
    status: 'failed',
    status_details: expect.stringMatching(/^not_distinct: /),
  });
});

/** In front of the endpoint: every call that `lies` says is answered by the base, under the name that was asked for. */
async function startLyingCopy(url: string, lies: (call: number) => boolean) {
  let calls = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked = String(request.headers['x-amzn-sagemaker-inference-component']);
    const isBase = asked.startsWith('tunegate-nano');
    const base = request.url?.includes(`${TEST_ENDPOINT}-acme`) ? 'tunegate-nano-acme' : 'tunegate-nano';
    if (!isBase) calls += 1;
    const lie = !isBase && lies(calls);
    const answer = await fetch(`${url}${request.url}`, {
      method: 'POST',
      headers: { 'x-amzn-sagemaker-inference-component': lie ? base : asked },
      body: Buffer.concat(chunks),
    });
    const body = (await answer.json()) as Record<string, unknown>;
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...body, model: asked }));
  });
  const address = await listenOnLoopback(server, 0);
  return { url: address, stop: () => server.close() };
}
