import { loadavg } from 'node:os';
import { TABLES } from '#io/definitions/resources.ts';
import { makeDynamoDb } from '#io/wire/clients.ts';
import { resourceName } from '#local/services/names.ts';
import { printChatPath } from './chatPath.ts';
import { measureColdStart } from './coldStart.ts';
import { measureHoldUnits } from './holdUnits.ts';
import { measureMonthSum } from './monthSum.ts';
import { line, ms, times, whole } from './print.ts';
import { type BenchProduct, startProduct } from './product.ts';
import { measureRating } from './rating.ts';
import { eventOf, measureSettlement } from './settlement.ts';
import { measureStart } from './start.ts';
import { measureWriteUnits } from './writeUnits.ts';

// What the product costs on this machine, all of it in one run or the parts that are named:
// `npm run bench -- rating month`. Compare the ratios, not the milliseconds, between machines.

const MONTH_EVENTS = 10_000_000;

async function printSettlement(): Promise<void> {
  const settled = await measureSettlement();
  console.log('\nSettlement, one function at a time, batches of 100');
  line('  usage events a second, of one tenant', whole(settled.oneTenant));
  line('  usage events a second, of ten tenants', whole(settled.tenTenants));

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
}

async function printRating(): Promise<void> {
  console.log('\nRating, usage events a second on one core');
  for (const [name, perSecond] of Object.entries(measureRating())) line(`  ${name}`, whole(perSecond));
}

async function printMonth(): Promise<void> {
  const month = await measureMonthSum(MONTH_EVENTS);
  console.log(
    `\nA month of ${month.events.toLocaleString('en')} calls, summed from the archive by \`tunegate archive sum\``,
  );
  line('  seconds', month.seconds.toFixed(1).padStart(11));
  line('  usage events a second', whole(month.events / month.seconds));
  line('  most memory resident, MB', whole(month.peakMb));
}

async function printStart(): Promise<void> {
  const cold = await measureColdStart();
  console.log(`\nCold start: the bundled chat handler (${cold.kilobytes.toFixed(0)} KB) in a fresh process`);
  line('  import, wall clock', times(cold.wall));
  line('  import, CPU', times(cold.cpu));

  const start = await measureStart();
  console.log('\nThe whole product on this machine (npm start)');
  line('  ready, on a new folder', ms(start.firstMs));
  line('  ready, on the same again', ms(start.againMs));
  line('  memory of all of its processes', `${start.megabytes.toFixed(0).padStart(8)} MB`);
}

type Part = {
  readonly needsProduct: boolean;
  readonly print: (product: BenchProduct | undefined) => Promise<void>;
};

const PARTS: Readonly<Record<string, Part>> = {
  chat: {
    needsProduct: true,
    print: async (product) => {
      if (product !== undefined) await printChatPath(product);
    },
  },
  settlement: { needsProduct: true, print: printSettlement },
  rating: { needsProduct: false, print: printRating },
  month: { needsProduct: false, print: printMonth },
  start: { needsProduct: false, print: printStart },
};

const named = process.argv.slice(2);
const unknown = named.find((name) => PARTS[name] === undefined);
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}: ${Object.keys(PARTS).join(', ')}.`);
  process.exit(2);
}
const chosen = Object.entries(PARTS).flatMap(([name, part]) =>
  named.length === 0 || named.includes(name) ? [part] : [],
);
const load = (): string =>
  loadavg()
    .map((one) => one.toFixed(1))
    .join(', ');
console.log(`Load average at the beginning: ${load()}`);
const product = chosen.some(({ needsProduct }) => needsProduct) ? await startProduct() : undefined;
try {
  for (const part of chosen) await part.print(product);
} finally {
  await product?.stop();
}
console.log(`\nLoad average at the end: ${load()}`);
process.exit(0); // the SDK's kept connections would hold the process for a while
