import { wireChat } from '#io/wire/chat.ts';
import { type ChatParts, callEngine, makeChatCall } from './calls.ts';
import { type Compared, compare } from './latency.ts';
import { instantEngine, PARTS, timeQuote, watchParts } from './parts.ts';
import { line, ms, times } from './print.ts';
import type { BenchProduct, BenchTenant } from './product.ts';
import { makeRequestCounter, type RequestCounts } from './requestCounter.ts';
import { withSettlement } from './settlement.ts';
import { summarize } from './statistics.ts';

const ALONE = { concurrent: 1, rounds: 120, warmUp: 10 };
const CROWD = { concurrent: 32, rounds: 6, warmUp: 1 };
const PART_CALLS = 100;

/** What a call costs on its way through the chat function, beside its engine alone. */
export async function printChatPath({ tenant, addresses }: BenchProduct): Promise<void> {
  const counter = makeRequestCounter({
    database: addresses.dynamodb,
    queue: addresses.aws,
    engine: addresses.sagemaker,
  });
  const { parts: chat, settleSent } = await withSettlement(wireChat(process.env));
  const through = makeChatCall(chat);
  const calls = { direct: () => callEngine(chat, tenant), through: () => through(tenant) };

  await printRequests(chat, tenant, counter);
  printCompared('One call at a time', await compare(calls, { ...ALONE, between: settleSent }));
  printCompared(`${CROWD.concurrent} calls at once`, await compare(calls, { ...CROWD, between: settleSent }));
  await printPathAlone(chat, tenant, settleSent);
  await printParts(chat, tenant, settleSent);
}

function printCompared(title: string, { direct, through }: Compared): void {
  console.log(`\n${title}`);
  for (const [name, what] of [
    ['first token', 'firstToken'],
    ['whole answer', 'whole'],
  ] as const) {
    const [engine, chat] = [direct[what], through[what]];
    line(`  ${name}: engine alone`, times(engine));
    line(`  ${name}: through the chat function`, times(chat));
    const ratio = (of: 'p50' | 'p99'): string => `× ${(chat[of] / engine[of]).toFixed(3)}`;
    line(
      `  ${name}: added`,
      `p50 ${ms(chat.p50 - engine.p50)}   p99 ${ms(chat.p99 - engine.p99)}   (p50 ${ratio('p50')}, p99 ${ratio('p99')})`,
    );
  }
}

type Between = () => Promise<void>;

async function printPathAlone(chat: ChatParts, tenant: BenchTenant, between: Between): Promise<void> {
  const call = makeChatCall(instantEngine(chat));
  for (const { concurrent, rounds, warmUp } of [ALONE, CROWD]) {
    const { through } = await compare(
      { direct: () => call(tenant), through: () => call(tenant) },
      { concurrent, rounds: rounds / 2, warmUp, between },
    );
    console.log(`\nThe chat path alone (an engine that answers at once), ${concurrent} at once`);
    line('  first token', times(through.firstToken));
    line('  whole answer', times(through.whole));
  }
}

async function printParts(chat: ChatParts, tenant: BenchTenant, between: Between): Promise<void> {
  const watched = watchParts(chat);
  const call = makeChatCall(watched.parts);
  for (let n = 0; n < PART_CALLS; n += 1) {
    await call(tenant);
    if (n % 16 === 0) await between();
  }
  await between();
  console.log('\nEach part of a call, one at a time');
  for (const part of PARTS) line(`  ${part}`, times(summarize(watched.times[part])));
  line('  quote', times(summarize(await timeQuote(chat))));
}

async function printRequests(
  chat: ChatParts,
  tenant: BenchTenant,
  counter: ReturnType<typeof makeRequestCounter>,
): Promise<void> {
  const call = makeChatCall(chat);
  await call(tenant);
  let before: RequestCounts = {};
  counter.reset();
  await call(tenant, () => {
    before = counter.read();
  });
  const inAll = counter.read();
  const text = (counts: RequestCounts): string =>
    ['database', 'queue', 'engine', 'other'].map((name) => `${name} ${counts[name] ?? 0}`).join(', ');
  console.log('\nRequests of one warm call');
  line('  before the first token', text(before));
  line('  in all', text(inAll));
}
