import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

test('a tenant has a time zone, UTC unless it is told', async () => {
  const { path } = await agency.newTenant();
  expect((await agency.admin('GET', path)).body).toMatchObject({ time_zone: 'UTC' });
  await agency.admin('PATCH', path, { time_zone: 'Asia/Kathmandu' });
  expect((await agency.admin('GET', path)).body).toMatchObject({ time_zone: 'Asia/Kathmandu' });
  for (const time_zone of ['Mars/Olympus', '+02:00', '']) {
    expect(await agency.admin('PATCH', path, { time_zone })).toMatchObject(
      refusal(400, 'invalid_request', 'time_zone'),
    );
  }
});

test('a tenant has free credits each month if the agency says so', async () => {
  const { path } = await agency.newTenant();
  expect((await agency.admin('GET', path)).body).toMatchObject({ free_credits: '0' });
  await agency.admin('PATCH', path, { free_credits: '7.5' });
  expect((await agency.admin('GET', path)).body).toMatchObject({ free_credits: '7.5' });
  for (const free_credits of ['-1', 'many', '1000001', 5]) {
    expect(await agency.admin('PATCH', path, { free_credits })).toMatchObject(
      refusal(400, 'invalid_request', 'free_credits'),
    );
  }
  await agency.admin('PATCH', path, { free_credits: '0' });
  expect((await agency.admin('GET', path)).body).toMatchObject({ free_credits: '0' });
});

test('what counts as unusual use is set by tenant and kind, and has named values by itself', async () => {
  const { path } = await agency.newTenant();
  const byItself = {
    jump: { calls: 1_000, times: 5, days: 3 },
    scraping: { calls: 300, minutes: 50, variance_percent: 50, length_percent: 25 },
    many_networks: { networks: 20, times: 3 },
  };
  expect((await agency.admin('GET', path)).body).toMatchObject({ unusual_use: byItself });
  const set = (unusual_use: unknown) => agency.admin('PATCH', path, { unusual_use });
  await set({ jump: { calls: 50 }, many_networks: null });
  const changed = { ...byItself, jump: { calls: 50, times: 5, days: 3 }, many_networks: null };
  expect((await agency.admin('GET', path)).body.unusual_use).toEqual(changed);
  await set({ scraping: { calls: 9, length_percent: 1 } });
  const scraping = { calls: 9, minutes: 50, variance_percent: 50, length_percent: 1 };
  expect((await agency.admin('GET', path)).body.unusual_use).toEqual({ ...changed, scraping });
  expect((await set({ jump: {}, scraping: {}, many_networks: {} })).body.unusual_use).toEqual(byItself);
  for (const wrong of [
    { jump: { calls: 0 } },
    { jump: { days: 14 } },
    { many_networks: { networks: 501 } },
    { scraping: { minutes: 61 } },
    { scraping: 'none' },
    { other: {} },
  ]) {
    expect(await set(wrong)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  }
  expect((await agency.admin('GET', path)).body.unusual_use).toEqual(byItself);
  const records = await agency.admin('GET', '/admin/audit', undefined, { query: { limit: '100' } });
  expect(JSON.stringify(records.body)).toContain('many_networks');
});
