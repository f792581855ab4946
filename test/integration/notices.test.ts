import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NoticeContact, NoticeNotTaken } from '#core/notices/ports.ts';
import { sendNotices } from '#core/notices/sendNotices.ts';
import type { Notice, NoticeChannelName } from '#core/notices/types.ts';
import { err, ok } from '#core/shared/result.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { NOON_MS } from '#test/builders/ledger.ts';

const MINUTE_MS = 60_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const aNotice = (id: string): Notice => ({
  id,
  to: 'agency',
  tenantId: null,
  content: { kind: 'refill_stopped', pack: '50 credits', failures: 5 },
  createdAtMs: NOON_MS,
});

/** An outbox that sends through channels which do as they are told. */
function outbox(addresses: NoticeContact['addresses']) {
  const store = makeNoticeOutbox(database.client, `${database.prefix}billing`);
  const clock = { nowMs: NOON_MS };
  const sent: string[] = [];
  const answers: { email?: NoticeNotTaken; webhook?: NoticeNotTaken } = {};
  const channel = (name: NoticeChannelName) => async (message: { readonly notice: Notice }) => {
    const refusal = answers[name];
    if (refusal !== undefined) return err(refusal);
    sent.push(`${name} ${message.notice.id}`);
    return ok(null);
  };
  const deps = {
    outbox: store,
    channels: { email: channel('email'), webhook: channel('webhook') },
    contacts: { find: async () => ({ name: 'Northwind', addresses }) },
    clock: () => clock.nowMs,
  };
  return { store, clock, sent, answers, deps, send: () => sendNotices(deps) };
}

const down: NoticeNotTaken = { code: 'notice_not_taken', isFinal: false, detail: 'nobody answers' };

test('a notice that is added many times and sent by many is sent once by every channel', async () => {
  const { store, sent, send } = outbox({ email: 'a@client.example', webhook: 'https://client.example' });
  await Promise.all(Array.from({ length: 5 }, () => store.add(aNotice('many'))));
  await Promise.all([send(), send(), send()]);
  await store.add(aNotice('many'));
  await send();
  expect(sent.sort()).toEqual(['email many', 'webhook many']);
});

test('a channel that fails is tried again later, and the one that took the notice is left alone', async () => {
  const { store, clock, sent, answers, send } = outbox({
    email: 'a@client.example',
    webhook: 'https://c.example',
  });
  answers.webhook = down;
  await store.add(aNotice('half'));
  await send();
  await send();
  expect(sent).toEqual(['email half']);
  delete answers.webhook;
  clock.nowMs += MINUTE_MS;
  await send();
  await send();
  expect(sent).toEqual(['email half', 'webhook half']);
});

test('a notice that nobody takes fails in the end, and says why', async () => {
  const { store, clock, answers, send } = outbox({ email: 'a@client.example' });
  answers.email = down;
  await store.add(aNotice('never'));
  for (let round = 0; round < 7; round += 1) {
    await send();
    clock.nowMs += 1_440 * MINUTE_MS;
  }
  const { notices } = await store.list({ state: 'failed', limit: 10 });
  expect(notices).toMatchObject([{ id: 'never', attempts: 7, lastError: 'email: nobody answers' }]);
});

test('a sender that died leaves its notice to the next one', async () => {
  const { store, clock, sent, deps, send } = outbox({ email: 'a@client.example' });
  await store.add(aNotice('orphan'));
  const save = async () => Promise.reject(new Error('the process is gone'));
  const dead = { email: async () => save(), webhook: async () => save() };
  await expect(sendNotices({ ...deps, channels: dead })).rejects.toThrow('gone');
  await send();
  expect(sent).toEqual([]);
  clock.nowMs += 5 * MINUTE_MS;
  await send();
  expect(sent).toEqual(['email orphan']);
});

test('a notice without an address is kept for whoever looks', async () => {
  const { store, sent, send } = outbox({});
  await store.add(aNotice('nowhere'));
  await send();
  expect(sent).toEqual([]);
  expect((await store.list({ state: 'unaddressed', limit: 10 })).notices).toMatchObject([{ id: 'nowhere' }]);
});
