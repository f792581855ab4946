import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { ADMIN_KEY } from '#test/builders/agency.ts';
import { serveAgency } from '#test/builders/serveAgency.ts';
import { type SubscribedAgency, startSubscribedAgency } from '#test/builders/subscribedAgency.ts';

let agency: SubscribedAgency;
let server: Awaited<ReturnType<typeof serveAgency>>;
beforeAll(async () => {
  agency = await startSubscribedAgency();
  server = await serveAgency(agency);
});
afterAll(async () => {
  await server.stop();
  await agency.stop();
});

async function run(...args: readonly string[]) {
  let [out, error] = ['', ''];
  const code = await runCli(args, {
    env: { TUNEGATE_URL: server.baseUrl, TUNEGATE_ADMIN_KEY: ADMIN_KEY },
    openDatabase,
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      error += text;
    },
  });
  return { code, out, error };
}

test('plans are listed with what they promise', async () => {
  const { code, out } = await run('plans');
  expect(code).toBe(0);
  expect(out).toMatch(/growth +5,000.00 USD +54,000.00 USD +10 +8,000.00 USD +600 +0.95 USD +1500 +1/);
  expect(out).toMatch(/enterprise +99.5 +dedicated +every_two_weeks +4_hours +true +usage evaluation/);
  expect(out).toMatch(/model +Another model +1,500.00 USD +16,200.00 USD +1/);
});

test('a subscription is opened, paid, changed after a preview, and cancelled', async () => {
  const { id } = await agency.newTenant();
  const opened = await run('--json', 'subscription', 'checkout', id, 'essentials', '--no-setup-fee');
  const checkout = JSON.parse(opened.out);
  expect(checkout).toMatchObject({ plan: 'essentials', interval: 'monthly', setup_fee: false });
  await agency.pay({ body: checkout });
  expect((await run('subscription', 'show', id)).out).toMatch(/STATUS +active/);
  const preview = await run('subscription', 'change', id, 'growth', '--add-on', 'model=1', '--preview');
  expect(preview.out).toMatch(/EACH TIME FROM THEN +6,500.00 USD/);
  const changed = await run('--json', 'subscription', 'change', id, 'growth', '--add-on', 'model=1');
  expect(JSON.parse(changed.out)).toMatchObject({ plan: 'growth', add_ons: [{ id: 'model', quantity: 1 }] });
  const shown = (await run('subscription', 'show', id)).out;
  expect(shown).toMatch(/ADD-ONS +1 × model/);
  expect(shown).toMatch(/Another model +1 +1,500.00 USD/);
  expect((await run('subscription', 'list')).out).toMatch(
    new RegExp(`${id} +growth +monthly +1 × model +active .* false +false +-`),
  );
  expect((await run('subscription', 'cancel', id)).out).toMatch(/ENDS THEN +true/);
  expect((await run('subscription', 'cancel', id, '--undo')).out).toMatch(/ENDS THEN +false/);
});

test('what cannot be is refused with a word of what to do', async () => {
  const { id } = await agency.newTenant();
  expect(await run('subscription', 'change', id, 'growth')).toMatchObject({
    code: 1,
    error: expect.stringContaining('There is no subscription'),
  });
  expect(await run('subscription', 'checkout', id, 'gold')).toMatchObject({
    code: 1,
    error: expect.stringContaining('essentials, growth, enterprise'),
  });
  expect(await run('subscription', 'checkout', id, 'growth', '--add-on', 'model')).toMatchObject({ code: 2 });
  expect(await run('subscription', 'change', id, 'growth', '--annual', '--monthly')).toMatchObject({
    code: 2,
  });
});

test('late usage is listed and settled', async () => {
  const { code, out } = await run('late-usage');
  expect([code, out]).toEqual([0, 'No usage came too late.\n']);
  expect(await run('late-usage', 'settle', 'use_1', 'billed', '--reason', 'by hand')).toMatchObject({
    code: 1,
  });
});
