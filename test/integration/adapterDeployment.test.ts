import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '#core/weights/safetensors.ts';
import { makeAdapterEndpoint } from '#io/sagemaker/adapterEndpoint.ts';
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
    const isBase = asked === 'tunegate-nano';
    if (!isBase) calls += 1;
    const lie = !isBase && lies(calls);
    const answer = await fetch(`${url}${request.url}`, {
      method: 'POST',
      headers: { 'x-amzn-sagemaker-inference-component': lie ? 'tunegate-nano' : asked },
      body: Buffer.concat(chunks),
    });
    const body = (await answer.json()) as Record<string, unknown>;
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...body, model: asked }));
  });
  const address = await listenOnLoopback(server, 0);
  return { url: address, stop: () => server.close() };
}
