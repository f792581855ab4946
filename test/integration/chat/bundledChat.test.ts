import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { QUEUES } from '#io/definitions/resources.ts';
import { makeHandlerCall } from '#test/bench/calls.ts';
import { startProduct } from '#test/bench/product.ts';
import { bundleFunction } from '#test/builders/bundles.ts';
import { receive } from '#test/builders/usageQueue.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunegate-bundle-'));
let product: Awaited<ReturnType<typeof startProduct>>;
beforeAll(async () => {
  product = await startProduct();
}, 60_000);
afterAll(async () => {
  await product.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('what is deployed, two minifiers and stand-ins for parts of the SDK later, answers a call and meters it', async () => {
  const file = join(folder, 'index.mjs');
  await bundleFunction('chat', file);
  const { handler } = await import(pathToFileURL(file).href);
  await makeHandlerCall(handler)(product.tenant);
  const sqs = new SQSClient({});
  const [message] = await receive(sqs, process.env[QUEUES.usage.env] ?? '');
  sqs.destroy();
  expect(JSON.parse(message?.Body ?? '')).toMatchObject({ tenantId: product.tenant.id, status: 'succeeded' });
});
