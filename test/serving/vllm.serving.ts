import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { MAX_FAILURES } from '#core/routing/breaker.ts';
import { makeTokenCounter } from '#io/tokenizers.ts';
import { openSecrets } from '#local/start/secrets.ts';
import { clientOf, creditsOf } from '#test/builders/fineTunedProduct.ts';
import { newDataDir, type RunningProduct, removeDataDir, startProduct } from '#test/builders/product.ts';
import {
  BAD_GRAMMAR,
  NO_TOOLS,
  STREAM,
  TOO_LONG,
  UNKNOWN_MODEL,
  WRONG_SECRET,
} from '#test/builders/vllmAnswers.ts';
import { exportedAdapter, tunegate } from './exportedAdapter.ts';
import { failureOf } from './failureOf.ts';
import { longStory, MODEL, STORY_TOKENS } from './longStory.ts';
import { askAll, countEqual, countRight, localAnswers, MAX_ANSWER_TOKENS, questionsOf } from './questions.ts';
import { shapesOf } from './shapesOf.ts';
import { metricOf, SECRET, startVllm, type VllmServer } from './vllmServer.ts';

// A real vLLM with the settings that its image gets on AWS, first by itself, then behind the product. The tests run in
// their order; the last ones kill it.

const TENANT = 'Harbor Clinic';
const BASE = 'tunegate-nano';
/** Its name at vLLM, which is not the one that Tunegate knows it by. */
const ENGINE_MODEL = 'harbor/v1';
const questions = questionsOf('harbor');
const BARE_QUESTIONS = 24;
/** A warm function keeps for four seconds what it knows of a model. */
const IN_FORCE_MS = 5_000;
const SETTLED_WITHIN = { timeout: 60_000, interval: 1_000 };

const Answer = z.object({
  model: z.string(),
  choices: z.array(z.object({ message: z.object({ content: z.string() }), finish_reason: z.string() })),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }),
});

const folder = mkdtempSync(join(tmpdir(), 'tunegate-vllm-'));
const dataDir = newDataDir();
let vllm: VllmServer;
let product: RunningProduct;
let exported: Awaited<ReturnType<typeof exportedAdapter>>;
beforeAll(async () => {
  const starting = startVllm();
  const file = join(dataDir, 'secrets.json');
  openSecrets(file);
  const secrets: object = JSON.parse(readFileSync(file, 'utf8'));
  const engines = { 'gpu-one': SECRET, wrong: 'another secret' };
  writeFileSync(file, JSON.stringify({ ...secrets, engines }));
  product = await startProduct({ dataDir });
  exported = await exportedAdapter(product, TENANT, folder);
  vllm = await starting;
});
afterAll(async () => {
  await product?.end();
  await vllm?.kill();
  removeDataDir(dataDir);
  rmSync(folder, { recursive: true, force: true });
});

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${vllm.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}`, ...headers },
    body: JSON.stringify(body),
  });
/** As SageMaker calls the image: the header says which inference component was invoked. */
const invoke = (adapter: string | null, body: object) =>
  post(
    '/invocations',
    { model: BASE, max_tokens: MAX_ANSWER_TOKENS, ...body },
    adapter === null ? {} : { 'x-amzn-sagemaker-adapter-identifier': adapter },
  );
const answersOf = (adapter: string | null, asked = questions) =>
  askAll(asked, async ({ prompt }) =>
    Answer.parse(await (await invoke(adapter, { messages: prompt })).json()),
  );
const textOf = ({ choices }: z.infer<typeof Answer>): string => choices[0]?.message.content ?? '';

test('an exported adapter, loaded as SageMaker loads it, answers as in the local engine; the bare base does not', async () => {
  expect((await post('/adapters', { name: exported.id, src: exported.peft })).status).toBe(200);
  const answers = await answersOf(exported.id);
  expect(new Set(answers.map(({ model }) => model))).toEqual(new Set([exported.id]));
  const texts = answers.map(textOf);
  const local = await localAnswers(exported.peft, questions);
  const [right, rightHere] = [countRight(questions, texts), countRight(questions, local)];
  console.log(`vLLM ${right}, local engine ${rightHere} of ${questions.length}`);
  expect(Math.abs(right - rightHere)).toBeLessThanOrEqual(0.02 * questions.length);
  expect(countEqual(texts, local)).toBeGreaterThanOrEqual(0.95 * questions.length);

  const bare = await answersOf(null, questions.slice(0, BARE_QUESTIONS));
  expect(new Set(bare.map(({ model }) => model))).toEqual(new Set([BASE]));
  expect(countRight(questions, bare.map(textOf))).toBeLessThan(0.1 * BARE_QUESTIONS);

  const { countChat, countText } = makeTokenCounter('layers/tokenizers');
  for (const [at, { usage, choices }] of answers.entries()) {
    const messages = questions[at]?.prompt ?? [];
    expect(usage.prompt_tokens).toBe(await countChat(BASE, messages, undefined));
    // vLLM counts the token that ends an answer, and it may write a word in other pieces than a tokenizer cuts it in.
    const written = await countText(BASE, choices[0]?.message.content ?? '');
    expect(usage.completion_tokens).toBeGreaterThanOrEqual(written + 1);
  }
  const text = await invoke(null, { prompt: 'Once upon a time', max_tokens: 1 });
  const { usage } = z.parse(z.pick(Answer, { usage: true }), await text.json());
  expect(usage.prompt_tokens).toBe(await countText(BASE, 'Once upon a time'));
});

test('it writes what the recorded answers of the other tests say', async () => {
  const messages = questions[0]?.prompt;
  const chat = async (body: object, headers = {}) => {
    const stream = { stream: true, stream_options: { include_usage: true } };
    const asked = { model: exported.id, messages, ...stream, ...body };
    const answer = await post('/v1/chat/completions', asked, headers);
    return { status: answer.status, shapes: shapesOf(await answer.text()) };
  };
  const recorded = (text: string, status: number) => ({ status, shapes: shapesOf(text) });

  const streamed = await chat({});
  const stream = recorded(STREAM, 200);
  for (const at of [0, 1, -3, -2, -1]) expect(streamed.shapes.at(at)).toEqual(stream.shapes.at(at));
  expect(await chat({ model: 'nobody' })).toEqual(recorded(UNKNOWN_MODEL, 404));
  const tooLong = [{ role: 'user', content: 'word '.repeat(600) }];
  expect(await chat({ messages: tooLong })).toEqual(recorded(TOO_LONG, 400));
  const badGrammar = grammar({ type: 'objectt' });
  expect(await chat({ response_format: badGrammar })).toEqual(recorded(BAD_GRAMMAR, 200));
  expect(await chat({}, { authorization: 'Bearer wrong' })).toEqual(recorded(WRONG_SECRET, 401));
  const tools = [{ type: 'function', function: { name: 'f' } }];
  expect(await chat({ tools })).toEqual(recorded(NO_TOOLS, 400));
});

const grammar = (schema: object) => ({
  type: 'json_schema' as const,
  json_schema: { name: 'one', schema: { ...schema } },
});

/** Leads the model to vLLM, as an agency does it, and waits until every call goes there. */
async function rollOut(act: readonly string[], secret = 'gpu-one'): Promise<void> {
  await tunegate(
    product,
    ...['rollout', act[0] ?? '', TENANT, MODEL, ...act.slice(1), '--adapter', exported.id],
    ...['--engine-url', `${vllm.url}/v1`, '--engine-model', ENGINE_MODEL],
    ...['--engine-secret', secret, '--engine-timeout', '60'],
  );
  await sleep(IN_FORCE_MS);
}
/** What the tenant has when all its calls are settled. */
async function settledCredits() {
  await expect.poll(() => creditsOf(harbor()), SETTLED_WITHIN).toMatchObject({ held: 0 });
  return creditsOf(harbor());
}
const harbor = () => clientOf(product, 1);
const ask = (at: number, user?: string) =>
  harbor()
    .chat.completions.create({
      model: MODEL,
      messages: [...(questions[at]?.prompt ?? [])],
      ...(user === undefined ? {} : { user }),
    })
    .withResponse();
const costOf = ({ headers }: Response) => Number(headers.get('x-tunegate-cost'));

test('a canary shares the calls between the local component and vLLM, then vLLM is promoted', async () => {
  const load = { lora_name: ENGINE_MODEL, lora_path: exported.peft };
  expect((await post('/v1/load_lora_adapter', load)).status).toBe(200);
  const before = await ask(0);
  await rollOut(['canary', '50']);
  const canaries: string[] = [];
  for (let user = 0; user < 16; user += 1) {
    const { data, response } = await ask(user % 4, `user-${user}`);
    expect(data.choices[0]?.finish_reason).toBe('stop');
    canaries.push(response.headers.get('x-tunegate-adapter') ?? '');
  }
  expect(new Set(canaries)).toEqual(new Set([exported.id])); // the same adapter, on two engines
  const Shown = z.object({ versions: z.array(z.object({ served_by: z.string(), calls: z.int() })) });
  await expect
    .poll(
      async () =>
        Shown.parse(JSON.parse(await tunegate(product, 'rollout', 'show', TENANT, MODEL)))
          .versions.map(({ served_by }) => served_by)
          .sort(),
      { timeout: 60_000, interval: 2_000 },
    )
    .toEqual(['canary', 'stable']);
  await rollOut(['promote']);
  const after = await ask(0);
  expect(after.data.choices[0]?.message.content).toBe(before.data.choices[0]?.message.content);
  expect(after.data.usage?.prompt_tokens).toBe(before.data.usage?.prompt_tokens);
});

test('plain and streamed calls are charged by what vLLM counted', async () => {
  const credits = await settledCredits();
  const plain = await ask(1);
  const messages = [...(questions[1]?.prompt ?? [])];
  const direct = Answer.parse(
    await (
      await post('/v1/chat/completions', { model: ENGINE_MODEL, messages, max_tokens: MAX_ANSWER_TOKENS })
    ).json(),
  );
  expect(plain.data.usage).toMatchObject(direct.usage);
  expect(plain.data.choices[0]?.message.content).toBe(textOf(direct));

  const stream = await harbor().chat.completions.create({
    model: MODEL,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let chunks = 0;
  let usage: object | null | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    chunks += chunk.choices.length;
    usage = chunk.usage ?? usage;
  }
  expect(text).toBe(textOf(direct));
  expect(chunks).toBeGreaterThan(3);
  expect(usage).toMatchObject(direct.usage);
  const paid = costOf(plain.response);
  expect(paid).toBeGreaterThan(0);
  expect((await settledCredits()).available).toBeCloseTo(credits.available - 2 * paid, 6);
});

test('what vLLM refuses is the client’s 400, free of charge', async () => {
  const credits = await settledCredits();
  const refused = harbor().chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: 'hi' }],
    response_format: grammar({ type: 'objectt' }),
  });
  await expect(refused).rejects.toMatchObject({ status: 400, code: 'engine_rejected' });
  expect(await settledCredits()).toEqual(credits);
});

test('a wrong secret is a 503 with retry-after, free of charge, and the way back is open', async () => {
  const credits = await settledCredits();
  await rollOut(['promote'], 'wrong');
  expect(await failureOf(ask(0))).toEqual({ status: 503, code: 'engine_failed', retryAfter: '2' });
  expect(await settledCredits()).toEqual(credits);
  await tunegate(product, 'rollout', 'rollback', TENANT, MODEL);
  await sleep(IN_FORCE_MS);
  expect((await ask(0)).data.choices).toHaveLength(1);
});

test('a client that hangs up ends the generation at vLLM, and pays what it got', async () => {
  const credits = await settledCredits();
  const before = await metricOf(vllm, 'generation_tokens_total');
  const caller = new AbortController();
  const stream = await longStory(harbor(), caller.signal);
  for await (const chunk of stream) if ((chunk.choices[0]?.delta.content ?? '') !== '') caller.abort();
  await expect.poll(() => metricOf(vllm, 'num_requests_running'), SETTLED_WITHIN).toBe(0);
  const written = (await metricOf(vllm, 'generation_tokens_total')) - before;
  expect(written).toBeLessThan(STORY_TOKENS / 2);
  expect((await settledCredits()).available).toBeLessThan(credits.available);
});

test('killed in mid-stream, what was delivered is charged; dead, nothing, and its calls are refused at once', async () => {
  const credits = await settledCredits();
  const stream = await longStory(harbor());
  let said = '';
  const read = async () => {
    for await (const chunk of stream) {
      said += chunk.choices[0]?.delta.content ?? '';
      if (said.length > 200) await vllm.kill();
    }
  };
  await expect(read()).rejects.toMatchObject({ code: 'engine_failed' });
  const left = await settledCredits();
  expect(left.available).toBeLessThan(credits.available);

  const codes: unknown[] = [];
  for (let n = 0; n < MAX_FAILURES; n += 1) codes.push((await failureOf(ask(0))).code);
  expect([codes[0], codes.at(-1)]).toEqual(['engine_failed', 'temporarily_unavailable']);
  expect(await failureOf(ask(0))).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
  expect(await settledCredits()).toEqual(left);
});
