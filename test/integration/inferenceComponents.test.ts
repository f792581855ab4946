import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  DeleteInferenceComponentCommand,
  DescribeInferenceComponentCommand,
  ListInferenceComponentsCommand,
  type ListInferenceComponentsCommandInput,
  UpdateInferenceComponentCommand,
} from '@aws-sdk/client-sagemaker';
import { create as createArchive } from 'tar';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { s3Environment, startTestAws, type TestAws } from '#test/builders/awsService.ts';
import { startTestSageMaker, type TestSageMaker } from '#test/builders/sageMaker.ts';

const [northwind, harbor] = DEMO_TENANTS;
if (northwind === undefined || harbor === undefined) throw new Error('there are two demonstration tenants');

let aws: TestAws;
let sageMaker: TestSageMaker;
let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'tunegate-components-'));
  aws = await startTestAws();
  sageMaker = await startTestSageMaker({
    env: s3Environment(aws.url),
  });
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'models' }));
});
afterAll(async () => {
  await Promise.all([sageMaker.stop(), aws.stop()]);
  rmSync(scratch, { recursive: true, force: true });
});

async function upload(key: string, directory: string): Promise<string> {
  const file = join(scratch, 'upload.tar.gz');
  await createArchive({ gzip: true, file, cwd: directory }, ['.']);
  await aws.s3.send(new PutObjectCommand({ Bucket: 'models', Key: key, Body: readFileSync(file) }));
  return `s3://models/${key}`;
}
const describe = (InferenceComponentName: string) =>
  sageMaker.control.send(new DescribeInferenceComponentCommand({ InferenceComponentName }));
const update = (InferenceComponentName: string, ArtifactUrl: string) =>
  sageMaker.control.send(
    new UpdateInferenceComponentCommand({
      InferenceComponentName,
      Specification: { Container: { ArtifactUrl } },
    }),
  );
const settled = (name: string) =>
  vi.waitUntil(async () => (await describe(name)).InferenceComponentStatus === 'InService', {
    timeout: 10_000,
    interval: 20,
  });
const ask = async (component: string, systemPrompt: string) =>
  (
    await sageMaker.invoke(component, {
      messages: [
        { role: 'system', content: systemPrompt },
        { role: 'user', content: northwind.sampleQuestion },
      ],
      max_tokens: 32,
      temperature: 0,
    })
  ).choices[0]?.message.content;
const converted = () =>
  readdirSync(join(sageMaker.dataDirectory, 'gguf')).filter((n) => n.startsWith('adapter'));

test('an adapter is fetched from S3, and one that is not there fails', async () => {
  await sageMaker.deploy('adp-s3', await upload('northwind.tar.gz', northwind.adapterDirectory));
  expect(await describe('adp-s3')).toMatchObject({
    InferenceComponentStatus: 'InService',
    Specification: { Container: { ArtifactUrl: 's3://models/northwind.tar.gz' } },
    RuntimeConfig: { DesiredCopyCount: 1, CurrentCopyCount: 1 },
  });
  expect(await ask('adp-s3', northwind.systemPrompt)).toBe('return_refund');
  await sageMaker.deploy('adp-none', 's3://models/nobody.tar.gz');
  expect(await describe('adp-none')).toMatchObject({ InferenceComponentStatus: 'Failed' });
});

test('an update answers by the adapter before until the new one is loaded, then by the new one', async () => {
  await update('adp-s3', await upload('harbor.tar.gz', harbor.adapterDirectory));
  const answers = new Set<string | undefined>();
  while ((await describe('adp-s3')).InferenceComponentStatus === 'Updating')
    answers.add(await ask('adp-s3', northwind.systemPrompt));
  expect([...answers].filter((answer) => answer !== 'return_refund').length).toBeLessThanOrEqual(1);
  await settled('adp-s3');
  expect(await ask('adp-s3', harbor.systemPrompt)).toBe('{"queue": "payments"}');
});

test('an update that cannot be loaded is taken back and says why', async () => {
  const torn = join(scratch, 'torn');
  cpSync(harbor.adapterDirectory, torn, { recursive: true });
  writeFileSync(join(torn, 'adapter_model.safetensors'), 'torn');
  await update('adp-s3', pathToFileURL(torn).href);
  await settled('adp-s3');
  expect((await describe('adp-s3')).FailureReason).toContain('adapter_unsupported');
  expect(await ask('adp-s3', harbor.systemPrompt)).toBe('{"queue": "payments"}');
});

test('a deleted component is gone from lists, calls and the disk', async () => {
  expect(converted()).toHaveLength(1);
  await sageMaker.control.send(new DeleteInferenceComponentCommand({ InferenceComponentName: 'adp-s3' }));
  await expect(ask('adp-s3', harbor.systemPrompt)).rejects.toThrow(/not found|not InService/);
  await vi.waitUntil(async () => (await describe('adp-s3').catch(() => 'gone')) === 'gone', {
    timeout: 10_000,
    interval: 20,
  });
  const { InferenceComponents = [] } = await sageMaker.control.send(
    new ListInferenceComponentsCommand({ NameContains: 'adp-', SortBy: 'Name' }),
  );
  expect(InferenceComponents.map((component) => component.InferenceComponentName)).toEqual(['adp-none']);
  await vi.waitUntil(() => converted().length === 0, { timeout: 5_000, interval: 20 });
});

test('the newest come first, and a list can be narrowed by status', async () => {
  await sageMaker.deploy('adp-a', pathToFileURL(northwind.adapterDirectory).href);
  const list = async (input: ListInferenceComponentsCommandInput) =>
    ((await sageMaker.control.send(new ListInferenceComponentsCommand(input))).InferenceComponents ?? []).map(
      (component) => component.InferenceComponentName,
    );
  expect(await list({})).toEqual(['adp-a', 'adp-none', 'tunegate-nano']);
  expect(await list({ StatusEquals: 'Failed' })).toEqual(['adp-none']);
  expect(await list({ CreationTimeAfter: new Date(Date.now() + 60_000) })).toEqual([]);
  await expect(list({ NextToken: 'nonsense' })).rejects.toThrow('NextToken');
});
