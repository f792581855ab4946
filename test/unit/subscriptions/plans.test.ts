import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { micro } from '#core/shared/money.ts';
import { invoiceOf, overageMinor } from '#core/subscriptions/invoice.ts';
import { parsePlans } from '#core/subscriptions/parsePlans.ts';
import type { Plan, PlanCatalogue } from '#core/subscriptions/plan.ts';

const FILE = JSON.parse(readFileSync('layers/price-tables/plans.json', 'utf8'));

function catalogueOf(file: unknown): PlanCatalogue {
  const parsed = parsePlans(file);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}
const planOf = (catalogue: PlanCatalogue, id: string): Plan => {
  const plan = catalogue.plans.find((one) => one.id === id);
  if (plan === undefined) throw new Error(`no plan ${id}`);
  return plan;
};
const CATALOGUE = catalogueOf(FILE);

/** The file with one thing in it changed, named by its path. */
function changed(path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(FILE);
  const last = path.at(-1) ?? '';
  const parent = path.slice(0, -1).reduce((at, step) => at[step], copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}
const mistake = (path: readonly (string | number)[], value: unknown): string => {
  const parsed = parsePlans(changed(path, value));
  return parsed.ok ? 'no mistake' : parsed.error.message;
};

test('the tiers cost what they are sold for, by the month and by the year', () => {
  const prices = CATALOGUE.plans.map(({ id, prices, setupFee }) => [
    id,
    prices.monthly.priceMinor / 100,
    prices.annual.priceMinor / 100,
    (setupFee?.priceMinor ?? 0) / 100,
  ]);
  expect(prices).toEqual([
    ['essentials', 2_000, 21_600, 5_000],
    ['growth', 5_000, 54_000, 8_000],
    ['enterprise', 10_000, 102_000, 12_000],
  ]);
});

test('a roster of four, four and two brings 48,000 a month', () => {
  const monthly = (id: string) => planOf(CATALOGUE, id).prices.monthly.priceMinor;
  expect(4 * monthly('essentials') + 4 * monthly('growth') + 2 * monthly('enterprise')).toBe(4_800_000);
});

test('another model adds 1,500 a month to a plan', () => {
  const invoice = invoiceOf(CATALOGUE, {
    plan: planOf(CATALOGUE, 'essentials'),
    interval: 'monthly',
    addOns: [{ id: 'model', quantity: 1 }],
  });
  expect(invoice).toMatchObject({ totalMinor: 350_000, currency: 'USD' });
});

test('a first invoice has the setup fee, and a later one the overage of the month before', () => {
  const plan = planOf(CATALOGUE, 'growth');
  const first = invoiceOf(CATALOGUE, { plan, interval: 'monthly', addOns: [], withSetup: true });
  expect(first.lines.map(({ kind, amountMinor }) => [kind, amountMinor])).toEqual([
    ['plan', 500_000],
    ['setup', 800_000],
  ]);
  const later = invoiceOf(CATALOGUE, {
    plan,
    interval: 'monthly',
    addOns: [],
    overageMicro: micro(12_345_678),
  });
  // 12.345678 credits at 95 cents are 1172.83941 cents.
  expect(later).toMatchObject({ totalMinor: 501_173 });
});

test('100 dollars a month for 5,000 calls, and each call beyond them at its price', () => {
  // 5,000 calls at 0.005 credits are 25 credits; a call beyond costs 2 cents, 0.005 credits at $4 each.
  const file = {
    ...FILE,
    plans: [
      {
        ...FILE.plans[0],
        id: 'calls-5000',
        monthlyPriceMinorUnits: 10_000,
        includedCredits: '25',
        overage: { priceMinorUnitsPerCredit: '400', limitCredits: '100' },
        setupFee: null,
      },
    ],
  };
  const catalogue = catalogueOf(file);
  const plan = planOf(catalogue, 'calls-5000');
  const billFor = (calls: number) =>
    invoiceOf(catalogue, {
      plan,
      interval: 'monthly',
      addOns: [],
      overageMicro: micro(Math.max(0, calls - 5_000) * 5_000),
    }).totalMinor;
  expect([4_999, 5_000, 5_001, 6_000, 10_000].map(billFor)).toEqual([10_000, 10_000, 10_002, 12_000, 20_000]);
});

test('overage is rounded once, to the nearest minor unit', () => {
  const plan = { overage: { minorPerMillionCredits: 100_000_000, limitMicro: micro(1) } };
  expect(overageMinor(plan, micro(4_999))).toBe(0);
  expect(overageMinor(plan, micro(5_000))).toBe(1);
  expect(overageMinor(plan, micro(1_000_000_000_000))).toBe(100_000_000);
  expect(overageMinor({ overage: null }, micro(1_000_000))).toBe(0);
});

test.each([
  [['currency'], 'dollars', 'currency must be a currency code such as "USD"'],
  [['plans'], [], 'plans must have at least 1 items'],
  [['plans', 0, 'id'], 'Big Plan', 'plans[0].id must be at most 20 lower-case letters'],
  [
    ['plans', 1, 'annualDiscountPercent'],
    20,
    'plans[1].annualDiscountPercent must be a whole percent from 10 to 15',
  ],
  [['plans', 0, 'monthlyPriceMinorUnits'], 2_000.5, 'plans[0].monthlyPriceMinorUnits must be a whole number'],
  [['plans', 0, 'monthlyPriceMinorUnits'], 99, 'plans[0].monthlyPriceMinorUnits must be at least 100'],
  [['plans', 0, 'includedCredits'], -1, 'plans[0].includedCredits must be a string'],
  [['plans', 0, 'includedCredits'], '-1', 'plans[0].includedCredits must be a decimal string of credits'],
  [
    ['plans', 0, 'overage', 'priceMinorUnitsPerCredit'],
    '0',
    'overage.priceMinorUnitsPerCredit must be a decimal',
  ],
  [['plans', 0, 'overage', 'limit'], '5', 'plans[0].overage.limit is not known here: leave it out'],
  [['plans', 0, 'sla'], {}, 'plans[0].sla is not known here: leave it out'],
  [['plans', 0, 'retraining'], undefined, 'plans[0].retraining is required'],
  [['plans', 0, 'retraining'], 'daily', 'plans[0].retraining must be "quarterly" or "monthly"'],
  [['plans', 0, 'uptimePercent'], '99,5', 'plans[0].uptimePercent must be a decimal percent such as "99.5"'],
  [['plans', 1, 'id'], 'essentials', 'plans[1].id repeats plans[0].id'],
  [
    ['plans', 1, 'dodoProductIds', 'annual'],
    'pdt_essentials_monthly',
    'plans[1].dodoProductIds.annual repeats plans[0].dodoProductIds.monthly',
  ],
  [['licences', 0, 'scopes'], ['everything'], 'licences[0].scopes[0] must be "chat" or'],
] as const)('%j as %j is told with its place and the mend', (path, value, message) => {
  expect(mistake(path, value)).toContain(message);
});

test('what is no object at all is told so', () => {
  expect(parsePlans(null)).toMatchObject({ error: { code: 'invalid_plans' } });
  expect(parsePlans([])).toMatchObject({ error: { code: 'invalid_plans' } });
});
