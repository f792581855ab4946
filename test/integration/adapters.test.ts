import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  DeleteInferenceComponentCommand,
  DescribeInferenceComponentCommand,
  ListInferenceComponentsCommand,
} from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient, ValidationError } from '@aws-sdk/client-sagemaker-runtime';
import { create as createArchive } from 'tar';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BASE_SHA256_FIELD } from '#core/weights/adapterGguf.ts';
import { readSafetensors, writeSafetensors } from '#core/weights/safetensors.ts';
import { makeSageMakerEngine } from '#io/sagemaker/engine.ts';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { payloadPart } from '#local/sagemaker/eventStream.ts';
import { listenOnLoopback } from '#local/shared/serviceMain.ts';
import { startTestSageMaker, TEST_PLACES, type TestSageMaker } from '#test/builders/sageMaker.ts';
import { aTenant } from '#test/builders/tenants.ts';

const BASE = 'tunegate-nano';
const adapterNames = DEMO_TENANTS.map((tenant) => `adp-${tenant.slug}-1`);

let sageMaker: TestSageMaker;
let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'tunegate-adapters-'));
  sageMaker = await startTestSageMaker();
  for (const [i, tenant] of DEMO_TENANTS.entries()) {
    await deploy(adapterNames[i] ?? '', pathToFileURL(tenant.adapterDirectory).href);
  }
});
afterAll(async () => {
  await sageMaker.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const deploy = (name: string, artifactUrl: string) => sageMaker.deploy(name, artifactUrl);
const describe = (name: string) =>
  sageMaker.control.send(new DescribeInferenceComponentCommand({ InferenceComponentName: name }));

const question = (i: number, text: string) => ({
  messages: [
    { role: 'system', content: DEMO_TENANTS[i]?.systemPrompt ?? '' },
    { role: 'user', content: text },
  ],
  max_tokens: 32,
});

test('both adapters are in service and answer the same question each in its own words', async () => {
  const answers = await Promise.all(
    DEMO_TENANTS.map((tenant, i) =>
      sageMaker.invoke(adapterNames[i] ?? '', question(i, tenant.sampleQuestion)),
    ),
  );
  expect(answers.map((answer) => answer.model)).toEqual(adapterNames);
  expect(answers.map((answer) => answer.choices[0]?.message.content)).toEqual([
    'return_refund',
    '{"queue": "payments"}',
  ]);
});

test('answers never cross between adapters and the base, however many run at once', async () => {
  const texts = [
    'Where is my parcel?',
    'I need a refill.',
    'Is it open on Sunday?',
    'I want my money back.',
    'It arrived broken.',
    'Do you take my insurance?',
    'Cancel it, please.',
    'Is there a discount?',
  ];
  // Greedy: calls that run together are computed together and round differently, which a drawn answer may show.
  const calls = [...adapterNames, BASE].flatMap((component, i) =>
    texts.map((text) => ({ component, body: { ...question(i % 2, text), temperature: 0 } })),
  );
  expect(calls).toHaveLength(24);
  const alone = [];
  for (const { component, body } of calls) alone.push((await sageMaker.invoke(component, body)).choices);
  const together = await Promise.all(calls.map(({ component, body }) => sageMaker.invoke(component, body)));
  expect(together.map((answer) => answer.choices)).toEqual(alone);
  expect(together.map((answer) => answer.model)).toEqual(calls.map((call) => call.component));
  expect((await sageMaker.stats()).rssMb).toBeLessThan(300);
});

test('an endpoint that lets the base answer in place of the adapter is not believed', async () => {
  const chunk = { model: BASE, choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }] };
  const forgetful = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    response.end(payloadPart(Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`)));
  });
  const url = await listenOnLoopback(forgetful, 0);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SageMakerRuntimeClient({ endpoint: url, region: 'us-east-1', credentials });
  const call = (expectedAdapter: string | null) =>
    makeSageMakerEngine(client, TEST_PLACES).generate({
      tenantId: aTenant().id,
      inferenceComponentName: 'adp-1',
      expectedAdapter,
      body: question(0, 'Where is my order?'),
      signal: new AbortController().signal,
    });
  expect(await call('adp_1')).toMatchObject({ ok: false, error: { code: 'engine_failed' } });
  expect(await call(null)).toMatchObject({ ok: true });
  client.destroy();
  forgetful.close();
});

test('an adapter of another base is refused and says so', async () => {
  const directory = join(scratch, 'other-base');
  cpSync(DEMO_TENANTS[0]?.adapterDirectory ?? '', directory, { recursive: true });
  const path = join(directory, 'adapter_model.safetensors');
  const { tensors } = readSafetensors(readFileSync(path));
  writeFileSync(path, writeSafetensors({ metadata: { [BASE_SHA256_FIELD]: 'f'.repeat(64) }, tensors }));
  await deploy('adp-foreign', pathToFileURL(directory).href);
  expect(await describe('adp-foreign')).toMatchObject({ InferenceComponentStatus: 'Failed' });
  expect((await describe('adp-foreign')).FailureReason).toContain('base_mismatch');
  await expect(sageMaker.invoke('adp-foreign', question(0, 'hi'))).rejects.toThrow(ValidationError);
});

test('an adapter with half of its matrices fails to deploy and harms nothing', async () => {
  const directory = join(scratch, 'torn');
  cpSync(DEMO_TENANTS[0]?.adapterDirectory ?? '', directory, { recursive: true });
  const path = join(directory, 'adapter_model.safetensors');
  const { metadata, tensors } = readSafetensors(readFileSync(path));
  const half = new Map([...tensors].filter(([name]) => name.includes('lora_A')));
  writeFileSync(path, writeSafetensors({ metadata, tensors: half }));
  await deploy('adp-torn', pathToFileURL(directory).href);
  expect(await describe('adp-torn')).toMatchObject({ InferenceComponentStatus: 'Failed' });
  await sageMaker.control.send(new DeleteInferenceComponentCommand({ InferenceComponentName: 'adp-torn' }));
  expect((await sageMaker.invoke(BASE, question(0, 'hi'))).model).toBe(BASE);
});

test('an archive serves as a folder does, and nothing but the adapter’s own files is taken from it', async () => {
  const archive = join(scratch, 'adapter.tar.gz');
  const directory = join(scratch, 'archived');
  cpSync(DEMO_TENANTS[1]?.adapterDirectory ?? '', directory, { recursive: true });
  writeFileSync(join(directory, 'model.py'), 'import os');
  await createArchive({ gzip: true, file: archive, cwd: directory }, ['.']);
  await deploy('adp-archived', pathToFileURL(archive).href);
  const body = question(1, DEMO_TENANTS[1]?.sampleQuestion ?? '');
  const [archived, plain] = await Promise.all([
    sageMaker.invoke('adp-archived', body),
    sageMaker.invoke(adapterNames[1] ?? '', body),
  ]);
  expect(archived.choices).toEqual(plain.choices);
});

test('a component that exists, a base that does not, and an unknown name are refused', async () => {
  await expect(deploy(adapterNames[0] ?? '', 'file:///nowhere')).rejects.toThrow('already existing');
  await expect(describe('adp-nobody')).rejects.toThrow('Could not find');
  await deploy('adp-nowhere', 'file:///nowhere/at/all');
  expect(await describe('adp-nowhere')).toMatchObject({ InferenceComponentStatus: 'Failed' });
});

test('components are listed page by page and survive a restart; a deleted one is gone', async () => {
  await sageMaker.control.send(
    new DeleteInferenceComponentCommand({ InferenceComponentName: 'adp-nowhere' }),
  );
  const { dataDirectory } = sageMaker;
  await sageMaker.stop({ keepData: true });
  sageMaker = await startTestSageMaker({ dataDirectory });
  const names: (string | undefined)[] = [];
  let NextToken: string | undefined;
  do {
    const page = await sageMaker.control.send(
      new ListInferenceComponentsCommand({
        MaxResults: 2,
        NextToken,
        SortBy: 'Name',
        SortOrder: 'Ascending',
      }),
    );
    names.push(...(page.InferenceComponents ?? []).map((component) => component.InferenceComponentName));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(names).toEqual([...adapterNames, 'adp-archived', 'adp-foreign', BASE].sort());
  const answer = await sageMaker.invoke(adapterNames[0] ?? '', question(0, 'I want my money back.'));
  expect(answer.choices[0]?.message.content).toBe('return_refund');
});
