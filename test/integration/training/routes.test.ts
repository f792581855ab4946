import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCredits } from '#core/shared/money.ts';
import { ADMIN_KEY } from '#test/builders/agency.ts';
import { intents, startFineTuningDesk } from '#test/builders/fineTuning.ts';

let desk: Awaited<ReturnType<typeof startFineTuningDesk>>;
let tenant: Awaited<ReturnType<typeof desk.agency.newTenant>>;
let other: typeof tenant;
let openai: OpenAI;
let file: string;
beforeAll(async () => {
  desk = await startFineTuningDesk();
  tenant = await desk.agency.newTenant('Northwind');
  other = await desk.agency.newTenant('Contoso');
  await desk.agency.admin('POST', `${tenant.path}/credits`, { amount: '5', reason: 'a start' });
  openai = desk.client(tenant.apiKey);
  file = (await upload(intents(30))).id;
}, 60_000);
afterAll(() => desk.stop());

const upload = (content: Buffer, purpose: 'fine-tune' | 'evals' = 'fine-tune') =>
  openai.files.create({ file: new File([new Uint8Array(content)], 'train.jsonl'), purpose });
const create = (body: Partial<OpenAI.FineTuning.JobCreateParams> & Record<string, unknown> = {}) =>
  openai.fineTuning.jobs.create({ model: 'tunegate-nano', training_file: file, ...body });
const credits = async () => {
  const { body } = await desk.agency.call('GET', '/credits', { key: tenant.apiKey });
  return { available: parseCredits(body.available), held: parseCredits(body.held) };
};
const refused = (status: number, param: string | null, message = /./) =>
  expect.objectContaining({ status, param, message: expect.stringMatching(message) });

describe('the OpenAI SDK', () => {
  test('creates a job whose price is held, lists and retrieves it, and cancels it for nothing', async () => {
    const before = await credits();
    const job = await create({
      suffix: 'support',
      seed: 42,
      metadata: { team: 'a' },
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 2 } } },
    });
    expect(job).toMatchObject({
      object: 'fine_tuning.job',
      status: 'validating_files',
      model: 'tunegate-nano',
      training_file: file,
      validation_file: null,
      fine_tuned_model: null,
      finished_at: null,
      trained_tokens: null,
      error: null,
      seed: 42,
      user_provided_suffix: 'support',
      metadata: { team: 'a' },
      hyperparameters: { n_epochs: 2, batch_size: 8, learning_rate_multiplier: 1 },
      method: { type: 'supervised' },
    });
    const held = await credits();
    const { tokens } =
      (await desk.agency.call('GET', '/healthz')).status === 200 ? quoteOf(job) : quoteOf(job);
    expect(held.held).toBe(tokens * 10);
    expect(held.available).toBe((before.available ?? 0) - tokens * 10);
    expect((await openai.fineTuning.jobs.list()).data.map(({ id }) => id)).toContain(job.id);
    expect(await openai.fineTuning.jobs.retrieve(job.id)).toEqual(job);
    const cancelled = await openai.fineTuning.jobs.cancel(job.id);
    expect(cancelled).toMatchObject({ id: job.id, status: 'cancelled', trained_tokens: 0 });
    expect(await openai.fineTuning.jobs.cancel(job.id)).toEqual(cancelled);
    expect(await credits()).toEqual(before);
    const events = await openai.fineTuning.jobs.listEvents(job.id);
    expect(events.data.map(({ message }) => message)).toEqual([
      'The job was cancelled',
      `Created fine-tuning job: ${job.id}`,
    ]);
    expect((await openai.fineTuning.jobs.checkpoints.list(job.id)).data).toEqual([]);
  });

  test('asks for a quote, for which nothing is held, and is charged no more than it says', async () => {
    const before = await credits();
    const hyperparameters = { n_epochs: 3 };
    const quote = await openai.post<{ tokens: number; tokens_per_epoch: number; credits: string }>(
      '/fine_tuning/quotes',
      { body: { model: 'tunegate-nano', training_file: file, hyperparameters } },
    );
    expect(quote).toMatchObject({
      object: 'fine_tuning.quote',
      hyperparameters: { n_epochs: 3, lora_rank: 8 },
      credits_per_million_tokens: '10',
      price_book: { id: 'per-call', version: 1 },
    });
    expect(quote.tokens).toBe(quote.tokens_per_epoch * 3);
    expect(parseCredits(quote.credits)).toBe(quote.tokens * 10);
    expect(await credits()).toEqual(before);
    const job = await create({ hyperparameters });
    expect(quoteOf(job)).toMatchObject({ tokens: quote.tokens, credits: quote.credits });
    await openai.fineTuning.jobs.cancel(job.id);
  });

  test('reads parameters in both of their places, where they do not contradict each other', async () => {
    const method = {
      type: 'supervised',
      supervised: { hyperparameters: { batch_size: 4, n_epochs: 2 } },
    } as const;
    const quoted = (hyperparameters: object) =>
      openai.post<object>('/fine_tuning/quotes', {
        body: { model: 'tunegate-nano', training_file: file, method, hyperparameters },
      });
    expect(await quoted({ n_epochs: 2, learning_rate_multiplier: 3 })).toMatchObject({
      hyperparameters: { n_epochs: 2, batch_size: 4, learning_rate_multiplier: 3 },
    });
    await expect(quoted({ n_epochs: 3 })).rejects.toEqual(refused(400, 'hyperparameters', /something else/));
  });

  test('with an idempotency key makes one job of many requests, and of none with another body', async () => {
    const retried = { headers: { 'Idempotency-Key': 'order-7' } };
    const body = { model: 'tunegate-nano', training_file: file, seed: 3 };
    const job = await openai.fineTuning.jobs.create(body, retried);
    const { held } = await credits();
    expect(await openai.fineTuning.jobs.create(body, retried)).toMatchObject({ id: job.id });
    expect((await credits()).held).toBe(held);
    const other = openai.fineTuning.jobs.create({ ...body, seed: 4 }, retried);
    await expect(other).rejects.toMatchObject({ status: 400, code: 'idempotency_key_reused' });
    const bad = openai.fineTuning.jobs.create(body, { headers: { 'Idempotency-Key': 'a b' } });
    await expect(bad).rejects.toMatchObject({ status: 400, code: 'invalid_request' });
    await openai.fineTuning.jobs.cancel(job.id);
    expect(await openai.fineTuning.jobs.create(body, retried)).toMatchObject({
      id: job.id,
      status: 'cancelled',
    });
  });

  test('keeps a share that is finer than shares are read as none', async () => {
    const job = await create({ dataset: { validation_share: 1e-300 } });
    expect(job).toMatchObject({ tunegate: { dataset: { validation_share: 0 } } });
    await openai.fineTuning.jobs.cancel(job.id);
  });

  test('walks lists page by page', async () => {
    const made = [];
    for (let i = 0; i < 3; i++) made.push((await create()).id);
    const seen = [];
    for await (const job of openai.fineTuning.jobs.list({ limit: 2 })) seen.push(job.id);
    expect(seen.slice(0, 3)).toEqual(made.toReversed());
    for (const id of made) await openai.fineTuning.jobs.cancel(id);
    const messages = [];
    for await (const event of openai.fineTuning.jobs.listEvents(made[0] ?? '', { limit: 1 }))
      messages.push(event.message);
    expect(messages).toHaveLength(2);
  });
});

test("the agency sees a tenant's jobs and what they cost", async () => {
  const job = await create();
  const response = await fetch(`${desk.url}${tenant.path}/jobs?limit=1`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  expect(await response.json()).toMatchObject({
    data: [{ id: job.id, cost: { usd: '0.000000', attempts: [] } }],
    has_more: true,
  });
  const asClient = await fetch(`${desk.url}${tenant.path}/jobs`, {
    headers: { authorization: `Bearer ${tenant.apiKey}` },
  });
  expect(asClient.status).toBe(403);
  await openai.fineTuning.jobs.cancel(job.id);
});

const quoteOf = (job: unknown) =>
  (job as { tunegate: { quote: { tokens: number; credits: string } } }).tunegate.quote;

test.each(['limit=0', 'limit=x', 'metadata[team]=a', 'unknown=1'])(
  'a list of ?%s is refused rather than answered as if it were not asked',
  async (query) => {
    const response = await fetch(`${desk.url}/fine_tuning/jobs?${query}`, {
      headers: { authorization: `Bearer ${tenant.apiKey}` },
    });
    expect(response.status).toBe(400);
  },
);

describe('a job is refused, with nothing held, when', () => {
  test.each([
    ['the model is none', { model: 'gpt-4o-mini' }, 'model'],
    ['the file is unknown', { training_file: 'file-01k00000000000000000000000' }, 'training_file'],
    ['the file is no id', { training_file: 'x' }, 'training_file'],
    ['there are no epochs', { hyperparameters: { n_epochs: 0 } }, 'hyperparameters.n_epochs'],
    [
      'the rate is negative',
      { hyperparameters: { learning_rate_multiplier: -1 } },
      'hyperparameters.learning_rate_multiplier',
    ],
    [
      'the rate is too small to be kept',
      { hyperparameters: { learning_rate_multiplier: 1e-320 } },
      'hyperparameters.learning_rate_multiplier',
    ],
    ['the rank is odd', { hyperparameters: { lora_rank: 9 } }, 'hyperparameters.lora_rank'],
    ['the rank is above what is served', { hyperparameters: { lora_rank: 32 } }, 'hyperparameters.lora_rank'],
    ['the method is not offered', { method: { type: 'dpo' } }, 'method.type'],
    ['an integration is wanted', { integrations: [{ type: 'wandb' }] }, 'integrations'],
    ['the suffix has odd letters', { suffix: 'a b' }, 'suffix'],
  ])('%s', async (_, body, param) => {
    await expect(create(body as Parameters<typeof create>[0])).rejects.toThrow(refused(400, param));
    expect((await credits()).held).toBe(0);
  });

  test('the file has mistakes, too few examples, or another purpose', async () => {
    const faulty = await upload(Buffer.from('{"messages": 1}\n'));
    await expect(create({ training_file: faulty.id })).rejects.toThrow(
      refused(400, 'training_file', /mistake/),
    );
    const few = await upload(intents(9));
    await expect(create({ training_file: few.id })).rejects.toThrow(
      refused(400, 'training_file', /9 examples/),
    );
    await expect(create({ validation_file: faulty.id })).rejects.toThrow(refused(400, 'validation_file'));
  });

  test('the credits do not reach', async () => {
    const poor = desk.client(other.apiKey);
    const own = await poor.files.create({
      file: new File([new Uint8Array(intents(30))], 'train.jsonl'),
      purpose: 'fine-tune',
    });
    const body = { model: 'tunegate-nano', training_file: own.id };
    await expect(poor.fineTuning.jobs.create(body)).rejects.toThrow(refused(402, null));
    expect((await poor.fineTuning.jobs.list()).data).toEqual([]);
  });

  test("the file, or the job, is another tenant's", async () => {
    const stranger = desk.client(other.apiKey);
    const body = { model: 'tunegate-nano', training_file: file };
    await expect(stranger.fineTuning.jobs.create(body)).rejects.toThrow(refused(400, 'training_file'));
    const job = await create();
    await expect(stranger.fineTuning.jobs.retrieve(job.id)).rejects.toThrow(
      refused(404, 'fine_tuning_job_id'),
    );
    await expect(stranger.fineTuning.jobs.cancel(job.id)).rejects.toThrow(refused(404, 'fine_tuning_job_id'));
    await expect(stranger.fineTuning.jobs.listEvents(job.id)).rejects.toThrow(
      refused(404, 'fine_tuning_job_id'),
    );
    await openai.fineTuning.jobs.cancel(job.id);
  });
});
