import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NoticeChannel } from '#core/notices/ports.ts';
import { renderNotice } from '#core/notices/templates.ts';
import type { Notice } from '#core/notices/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { makeEmailChannel } from '#io/notices/emailChannel.ts';
import { noticeWebhookKey } from '#io/notices/noticeWebhookKey.ts';
import { makeWebhookChannel } from '#io/notices/webhookChannel.ts';
import { makeMailServer } from '#local/host/mailServer.ts';
import { listenOnLoopback } from '#local/shared/serviceMain.ts';
import { startReceiver } from '#test/builders/dodo.ts';
import { NOON_MS, testId } from '#test/builders/ledger.ts';

const cleanups: (() => unknown)[] = [];
const folder = mkdtempSync(join(tmpdir(), 'tunegate-mail-'));
const file = join(folder, 'mail.jsonl');
let ses: SESv2Client;
beforeAll(async () => {
  const server = makeMailServer(file);
  const endpoint = await listenOnLoopback(server, 0);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'secret' };
  ses = new SESv2Client({ endpoint, region: 'us-east-1', maxAttempts: 1, credentials });
  cleanups.push(
    () => ses.destroy(),
    () => server.close(),
    () => rmSync(folder, { recursive: true }),
  );
});
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
});

const tenantId = testId<TenantId>('tenant', '1');
const notice: Notice = {
  id: 'refill_stopped/rfl_1',
  to: 'client',
  tenantId,
  content: { kind: 'refill_stopped', pack: '50 credits', failures: 4 },
  createdAtMs: NOON_MS,
};
const send = (channel: NoticeChannel, address: string, name = 'Northwind') =>
  channel({ ...renderNotice(notice.content.kind, notice.content, name), notice, address });

const channel = (over: { readonly secrets?: readonly string[]; readonly allowLoopback?: boolean } = {}) =>
  makeWebhookChannel({
    secrets: async () => over.secrets ?? ['new', 'old'],
    allowLoopback: over.allowLoopback ?? true,
    clock: Date.now,
  });

async function receiver(status?: () => number) {
  const started = await startReceiver(status);
  cleanups.push(started.stop);
  return { ...started, url: started.url.replace(/\/$/, '') };
}

test('an e-mail goes out by SES, one line for its subject whatever the tenant is called', async () => {
  const email = makeEmailChannel(ses, 'notices@agency.example');
  expect(await send(email, 'ops@client.example', 'North\r\nBcc: all@x.example')).toEqual({
    ok: true,
    value: null,
  });
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      from: 'notices@agency.example',
      to: ['ops@client.example'],
      subject: 'The automatic refill of North Bcc: all@x.example is switched off',
      headers: { 'X-Tunegate-Notice': notice.id },
    },
  ]);
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('a mail server that cannot be reached, and a message that it refuses, are told apart', async () => {
  const away = new SESv2Client({
    endpoint: 'http://127.0.0.1:1',
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'secret' },
  });
  cleanups.push(() => away.destroy());
  expect(await send(makeEmailChannel(away, 'a@agency.example'), 'b@client.example')).toMatchObject({
    error: { isFinal: false },
  });
});

test('a webhook is signed by every key, so that one can be rotated', async () => {
  const { url, received } = await receiver();
  expect(await send(channel(), url)).toEqual({ ok: true, value: null });
  const [message] = received;
  for (const secret of ['new', 'old']) {
    const webhook = new Webhook(noticeWebhookKey(secret, tenantId));
    expect(webhook.verify(message?.body ?? '', message?.headers ?? {})).toMatchObject({
      type: 'notice.refill_stopped',
      data: { id: notice.id, tenant: tenantId },
    });
  }
  const foreign = new Webhook(noticeWebhookKey('new', testId<TenantId>('tenant', '2')));
  expect(() => foreign.verify(message?.body ?? '', message?.headers ?? {})).toThrow();
});

test('a receiver that fails is tried again, one that is gone is not', async () => {
  const statuses = [500, 302, 410];
  const { url } = await receiver(() => statuses.shift() ?? 200);
  const outcomes = [];
  for (let attempt = 0; attempt < 3; attempt += 1) outcomes.push(await send(channel(), url));
  expect(outcomes).toMatchObject([
    { error: { isFinal: false, detail: 'answered 500' } },
    { error: { isFinal: false } },
    { error: { isFinal: true, detail: 'answered 410' } },
  ]);
});

test.each([
  'http://169.254.169.254/',
  'http://127.0.0.1:9/',
  'https://10.0.0.1/',
  'https://x.internal/',
  'file:///etc',
])('nothing is sent to %s from an account', async (url) => {
  expect(await send(channel({ allowLoopback: false }), url)).toMatchObject({ error: { isFinal: true } });
});
