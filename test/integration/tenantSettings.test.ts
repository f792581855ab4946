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
