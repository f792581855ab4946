import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { topUp } from '#api/control/topUpPage.ts';
import { toProxyResult } from '#api/edge/toProxyResult.ts';

test('the page is HTML whose policy allows its own script and style and nothing else', async () => {
  // The page is the same for everyone: it reads nothing of its dependencies or the request.
  const answer = toProxyResult(await Reflect.apply(topUp, undefined, []), 'req-1');
  expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8' });
  const policy = String(answer.headers?.['content-security-policy']);
  for (const tag of ['script', 'style']) {
    const [, text = ''] = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(answer.body) ?? [];
    const hash = createHash('sha256').update(text).digest('base64');
    expect(policy).toContain(`${tag}-src 'sha256-${hash}'`);
  }
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
});
