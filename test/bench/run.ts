import { TABLES } from '#io/definitions/resources.ts';
import { wireChat } from '#io/wire/chat.ts';
import { makeDynamoDb } from '#io/wire/clients.ts';
import { resourceName } from '#local/services/names.ts';
import { type ChatParts, callEngine, makeChatCall } from './calls.ts';
import { measureColdStart } from './coldStart.ts';
import { measureHoldUnits } from './holdUnits.ts';
import { type Compared, compare } from './latency.ts';
import { measureMonthSum } from './monthSum.ts';
import { instantEngine, PARTS, timeQuote, watchParts } from './parts.ts';
import { type BenchTenant, startProduct } from './product.ts';
import { measureRating } from './rating.ts';
import { makeRequestCounter, type RequestCounts } from './requestCounter.ts';
import { eventOf, measureSettlement, withSettlement } from './settlement.ts';
import { measureStart } from './start.ts';
import { summarize, type Times } from './statistics.ts';
import { measureWriteUnits } from './writeUnits.ts';

// What the chat path costs on this machine, in one run: compare the ratios, not the milliseconds, between machines.

const ALONE = { concurrent: 1, rounds: 120, warmUp: 10 };
const CROWD = { concurrent: 32, rounds: 6, warmUp: 1 };
const PART_CALLS = 100;
const MONTH_EVENTS = 10_000_000;

const ms = (value: number): string => `${value.toFixed(Math.abs(value) < 0.1 ? 4 : 2)} ms`.padStart(11);
const line = (name: string, text: string): void => console.log(`${name.padEnd(44)}${text}`);
const times = (of: Times): string => `p50 ${ms(of.p50)}   p99 ${ms(of.p99)}   (${of.count} runs)`;

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

const product = await startProduct();
try {
  const { tenant, addresses } = product;
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

  const settled = await measureSettlement();
  console.log('\nSettlement, one function at a time, batches of 100');
  line('  usage events a second, of one tenant', settled.oneTenant.toFixed(0).padStart(11));
  line('  usage events a second, of ten tenants', settled.tenTenants.toFixed(0).padStart(11));

  const written = await measureWriteUnits(eventOf, resourceName(TABLES.ledger.name));
  console.log('\nWrite units of settlement an event, batches of one tenant');
  for (const [name, units] of [
    ['a plain book', written.plain],
    ['tiers by month', written.tiered],
  ] as const) {
    for (const { batch, transactions, perEvent } of units) {
      const text = `${perEvent.toFixed(2).padStart(11)}   (${transactions} transaction${transactions === 1 ? '' : 's'})`;
      line(`  by ${name}, ${batch} at once`, text);
    }
  }

  console.log('\nOne hold, after a minute of steady calls');
  for (const { name, units, requests } of await measureHoldUnits(
    makeDynamoDb(),
    resourceName(TABLES.ledger.name),
  )) {
    line(`  ${name}`, `${units} write units, ${requests} request${requests === 1 ? '' : 's'}`);
  }

  const rated = measureRating();
  console.log('\nRating, one core');
  line('  usage events a second, by a plain book', rated.plain.toFixed(0).padStart(11));
  line('  usage events a second, by one with hours', rated.rich.toFixed(0).padStart(11));
  line('  usage events a second, by tiers of a month', rated.tiered.toFixed(0).padStart(11));

  const month = await measureMonthSum(MONTH_EVENTS);
  console.log(
    `\nA month of ${month.events.toLocaleString('en')} calls, summed from the archive by \`tunegate archive sum\``,
  );
  line('  seconds', month.seconds.toFixed(1).padStart(11));
  line('  usage events a second', (month.events / month.seconds).toFixed(0).padStart(11));
  line('  most memory resident, MB', month.peakMb.toFixed(0).padStart(11));

  const cold = await measureColdStart();
  console.log(`\nCold start: the bundled chat handler (${cold.kilobytes.toFixed(0)} KB) in a fresh process`);
  line('  import, wall clock', times(cold.wall));
  line('  import, CPU', times(cold.cpu));

  const start = await measureStart();
  console.log('\nThe whole product on this machine (npm start)');
  line('  ready, on a new folder', ms(start.firstMs));
  line('  ready, on the same again', ms(start.againMs));
  line('  memory of all of its processes', `${start.megabytes.toFixed(0).padStart(8)} MB`);
} finally {
  await product.stop();
}
process.exit(0); // the SDK's kept connections would hold the process for a while
