import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { makeWebhookVerifier } from '#io/dodo/webhookVerifier.ts';

const CURRENT = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ROTATED = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const STRANGER = 'whsec_plJ3nmyCDGBKInavdOK15jsl7w5Ydqxb';
const BODY = '{"type":"payment.succeeded"}';

const verify = makeWebhookVerifier(async () => [CURRENT, ROTATED], Date.now);

function signed(secret: string, options: { readonly ageSec?: number; readonly body?: string } = {}) {
  const at = new Date(Date.now() - (options.ageSec ?? 0) * 1000);
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('msg_1', at, options.body ?? BODY),
  };
}

test.each([
  ['the current secret', signed(CURRENT)],
  ['a rotated secret that is still listed', signed(ROTATED)],
  [
    'one right signature among several',
    {
      ...signed(CURRENT),
      'webhook-signature': `v1,AAAA ${signed(STRANGER)['webhook-signature']} ${signed(CURRENT)['webhook-signature']}`,
    },
  ],
])('accepts %s', async (_name, headers) => {
  expect(await verify(BODY, headers)).toEqual({ ok: true, value: { webhookId: 'msg_1' } });
});

test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
  'refuses when %s is missing or empty',
  async (name) => {
    const { [name]: _gone, ...rest }: Record<string, string> = signed(CURRENT);
    expect(await verify(BODY, rest)).toEqual({ ok: false, error: { code: 'missing_header' } });
    expect(await verify(BODY, { ...rest, [name]: '' })).toEqual({
      ok: false,
      error: { code: 'missing_header' },
    });
  },
);

test.each([
  ['another secret', BODY, signed(STRANGER)],
  ['a changed body', `${BODY} `, signed(CURRENT)],
  ['another id', BODY, { ...signed(CURRENT), 'webhook-id': 'msg_2' }],
  [
    'another timestamp',
    BODY,
    { ...signed(CURRENT), 'webhook-timestamp': signed(CURRENT, { ageSec: 9 })['webhook-timestamp'] },
  ],
  ['a timestamp that is no number', BODY, { ...signed(CURRENT), 'webhook-timestamp': 'yesterday' }],
  ['a signature of no version', BODY, { ...signed(CURRENT), 'webhook-signature': 'v1' }],
  ['an old forgery', BODY, signed(STRANGER, { ageSec: 900 })],
])('refuses %s', async (_name, body, headers) => {
  expect(await verify(body, headers)).toEqual({ ok: false, error: { code: 'wrong_signature' } });
});

test.each([301, -302])(
  'refuses an authentic event %i s old and says that it was authentic',
  async (ageSec) => {
    expect(await verify(BODY, signed(CURRENT, { ageSec }))).toEqual({
      ok: false,
      error: { code: 'authentic_but_out_of_time' },
    });
  },
);
