import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { runCli } from '#cli/runCli.ts';
import { QUEUES } from '#io/definitions/resources.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { queueUrl } from '#local/services/names.ts';
import {
  chargedOf,
  clientOf,
  creditsOf,
  historyOf,
  servicesOf,
  upload,
  waitFor,
} from '#test/builders/fineTunedProduct.ts';
import { intents } from '#test/builders/fineTuning.ts';
import { type RunningProduct, removeDataDir, startProduct } from '#test/builders/product.ts';

const LONG_MS = 180_000;
const QUESTION = { role: 'user' as const, content: 'where is parcel 4' };

let product: RunningProduct;
let aws: ReturnType<typeof servicesOf>;
let openai: OpenAI;
let file: string;
beforeAll(async () => {
  product = await startProduct();
  aws = servicesOf(product);
  openai = clientOf(product);
  file = (await upload(openai, intents(30))).id;
}, LONG_MS);
afterAll(async () => {
  await product.end();
  removeDataDir(product.dataDir);
});

const create = (epochs: number) =>
  openai.fineTuning.jobs.create({
    model: 'tunegate-nano',
    training_file: file,
    suffix: 'desk',
    seed: 5,
    ...{ dataset: { validation_share: 0.3 } },
    hyperparameters: { n_epochs: epochs },
  });

/** What SQS may do to any message at any time. */
const repeat = async (queue: keyof typeof QUEUES, message: unknown) => {
  const QueueUrl = queueUrl(aws.awsUrl, QUEUES[queue].name);
  for (let again = 0; again < 3; again++)
    await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));
};

test(
  'a file becomes a model that answers, once, however often its messages come; its price is what was trained',
  async () => {
    const before = await creditsOf(openai);
    const created = await create(2);
    await repeat('training', { tenantId: created.organization_id, jobId: created.id });
    const job = await waitFor(openai, created.id);
    expect(job).toMatchObject({
      status: 'succeeded',
      error: null,
      fine_tuned_model: expect.stringContaining('desk'),
    });
    await repeat('adapters', { kind: 'import', tenantId: job.organization_id, jobId: job.id });
    await repeat('trainingEvents', { detail: { TrainingJobName: `tunegate-local-${job.id}-1` } });
    const answer = await openai.chat.completions.create({
      model: job.fine_tuned_model ?? '',
      max_tokens: 4,
      messages: [QUESTION],
    });
    expect(answer.choices[0]?.message.content).toEqual(expect.any(String));
    const events = await historyOf(openai, job.id);
    const told = events.filter(({ type }) => type === 'message').map(({ message }) => message);
    expect(told[0]).toBe(`Created fine-tuning job: ${job.id}`);
    expect(new Set(told).size).toBe(told.length);
    expect(told.at(-1)).toMatch('successfully completed');
    const steps = events.filter(({ type }) => type === 'metrics');
    expect(steps.at(-1)?.data).toMatchObject({ step: 6, total_steps: 6, train_loss: expect.any(Number) });
    const checkpoints = await openai.fineTuning.jobs.checkpoints.list(job.id);
    // One for each epoch, and a model of each of the last three.
    expect(checkpoints.data).toMatchObject([
      {
        object: 'fine_tuning.job.checkpoint',
        fine_tuning_job_id: job.id,
        fine_tuned_model_checkpoint: job.fine_tuned_model,
        step_number: 6,
        metrics: { step: 6, train_loss: expect.any(Number), full_valid_loss: expect.any(Number) },
      },
      {
        fine_tuned_model_checkpoint: `${job.fine_tuned_model}:ckpt-step-3`,
        step_number: 3,
        metrics: { train_loss: expect.any(Number) },
      },
    ]);
    const paged = [];
    for await (const { id } of openai.fineTuning.jobs.checkpoints.list(job.id, { limit: 1 })) paged.push(id);
    expect(paged).toEqual(checkpoints.data.map(({ id }) => id));
    // The call's own price is still held, or charged, beside the job's.
    const spent = before.available - (await creditsOf(openai)).available;
    expect(chargedOf(job)).toBeGreaterThan(0);
    expect(spent - chargedOf(job)).toBeLessThan(0.02);
  },
  LONG_MS,
);

const Adapters = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      status: z.string(),
      model_names: z.array(z.string()),
      lineage: z.object({ checkpoint: z.nullable(z.object({ epoch: z.int() })) }),
    }),
  ),
});

test(
  'a checkpoint of an earlier epoch is a model that answers as itself, from when it is deployed to when it is not',
  async () => {
    const job = await waitFor(openai, (await create(4)).id);
    const listed = await openai.fineTuning.jobs.checkpoints.list(job.id);
    const name = `${job.fine_tuned_model}:ckpt-step-9`;
    expect(listed.data.map((one) => one.fine_tuned_model_checkpoint)).toEqual([
      job.fine_tuned_model,
      name,
      `${job.fine_tuned_model}:ckpt-step-6`,
      null,
    ]);
    const ask = (model: string) =>
      openai.chat.completions.create({ model, max_tokens: 4, messages: [QUESTION] }).withResponse();
    const callable = async () => (await openai.models.list()).data.map(({ id }) => id);
    const before = await creditsOf(openai);
    await expect(ask(name)).rejects.toMatchObject({ status: 404, code: 'model_not_deployed' });
    expect(await creditsOf(openai)).toEqual(before);
    expect(await callable()).not.toContain(name);

    const tenant = product.connection.tenants[0]?.name ?? '';
    const cli = async (verb: string) => {
      const terminal = { env: {}, openDatabase, write: () => undefined, writeError: () => undefined };
      expect(await runCli(['--data', product.dataDir, 'adapters', verb, tenant, name], terminal)).toBe(0);
    };
    await cli('deploy');
    await vi.waitFor(async () => expect(await callable()).toContain(name), {
      timeout: LONG_MS,
      interval: 100,
    });
    const { data: adapters } = z.parse(Adapters, await openai.get('/adapters'));
    const kept = adapters.find(({ model_names }) => model_names.includes(name));
    expect(kept).toMatchObject({ status: 'deployed', lineage: { checkpoint: { epoch: 3 } } });
    const [own, final] = [await ask(name), await ask(job.fine_tuned_model ?? '')];
    expect(own.data).toMatchObject({ model: name, choices: [{ message: { content: expect.any(String) } }] });
    expect(own.response.headers.get('x-tunegate-adapter')).toBe(kept?.id);
    expect(final.response.headers.get('x-tunegate-adapter')).not.toBe(kept?.id);

    await cli('undeploy');
    const gone = async () => expect(await callable()).not.toContain(name);
    await vi.waitFor(gone, { timeout: LONG_MS, interval: 100 });
    await cli('retire');
  },
  LONG_MS,
);

test(
  'a job that is cancelled while it trains gives back what it did not train',
  async () => {
    const before = await creditsOf(openai);
    const created = await create(50);
    await waitFor(openai, created.id, ({ status }) => status === 'running');
    const cancelled = await openai.fineTuning.jobs.cancel(created.id);
    expect(cancelled.status).toBe('cancelled');
    const ended = await waitForEnd(created.id);
    expect(ended.status).toBe('cancelled');
    const after = await creditsOf(openai);
    expect(after.held).toBeLessThan(0.02);
    expect(before.available - after.available).toBeCloseTo(chargedOf(ended), 1);
  },
  LONG_MS,
);

/** `cancelled` is said at once; the job has ended when it is charged. */
async function waitForEnd(id: string) {
  for (;;) {
    const job = await openai.fineTuning.jobs.retrieve(id);
    if (job.finished_at !== null) return job;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test(
  'the command line trains and shows how it goes, and the books are in order',
  async () => {
    let told = '';
    let printed = '';
    const terminal = {
      env: {},
      openDatabase,
      write: (text: string) => {
        printed += text;
      },
      writeError: (text: string) => {
        told += text;
      },
    };
    const data = ['--data', product.dataDir];
    const path = join(product.dataDir, 'quoted.jsonl');
    writeFileSync(path, intents(30));
    const before = await creditsOf(openai);
    const asTenant = ['--api-key', product.connection.tenants[0]?.apiKey ?? ''];
    expect(await runCli([...data, 'train', path, '--quote', '--epochs', '2', ...asTenant], terminal)).toBe(0);
    expect(printed).toMatch(/credits at most +0\.\d+/);
    expect(await creditsOf(openai)).toEqual(before);
    expect(await runCli([...data, 'train', 'follow', (await create(1)).id], terminal)).toBe(0);
    expect(told).toMatch(/100% {2}step 3\/3 {2}loss \d/);
    expect(printed).toMatch(/succeeded/);
    printed = '';
    const tenant = product.connection.tenants[0]?.name ?? '';
    expect(await runCli([...data, 'training-costs', tenant], terminal)).toBe(0);
    expect(printed).toMatch(/ftjob-\S+ +succeeded .+ +[1-9]\d* +0\.\d*[1-9]\d*/);
    expect(await runCli([...data, 'audit'], terminal)).toBe(0);
  },
  LONG_MS,
);
