import { expect, test } from 'vitest';
import { parseEngineUrl } from '#core/routing/parseEngineUrl.ts';

const parse = (text: string, allowLoopback = false) => parseEngineUrl(text, { allowLoopback });

test('a public host over https is taken, without the slash at its end', () => {
  expect(parse('https://GPU.example.com:8443/v1/')).toEqual({
    ok: true,
    value: 'https://gpu.example.com:8443/v1',
  });
});

test('this very machine over http is taken where it is allowed, and nowhere else', () => {
  expect(parse('http://127.0.0.1:8000/v1', true)).toEqual({ ok: true, value: 'http://127.0.0.1:8000/v1' });
  expect(parse('http://127.0.0.1:8000/v1').ok).toBe(false);
  // Other spellings of it are read as it by every URL parser, so they are the same.
  expect(parse('http://2130706433:8000/v1', true)).toEqual({ ok: true, value: 'http://127.0.0.1:8000/v1' });
});

test.each([
  'http://gpu.example.com/v1',
  'ftp://gpu.example.com/v1',
  'file:///etc/passwd',
  'https://user:secret@gpu.example.com/v1',
  'https://gpu.example.com/v1?key=1',
  'https://gpu.example.com/v1#a',
  'https://127.0.0.1/v1',
  'https://2130706433/v1',
  'https://0x7f.1/v1',
  'https://169.254.169.254/latest',
  'https://10.0.0.1/v1',
  'https://[::1]/v1',
  'https://[::ffff:169.254.169.254]/v1',
  'https://[fd00:ec2::254]/v1',
  'https://localhost/v1',
  'https://a.localhost/v1',
  'https://metadata.google.internal/v1',
  'https://router.local/v1',
  'https://intranet/v1',
  'https://gpu.example.com./v1',
  'http://localhost:8000/v1',
  'http://127.0.0.2:8000/v1',
  'gpu.example.com/v1',
  '',
  `https://gpu.example.com/${'a'.repeat(500)}`,
])('%s is refused', (text) => {
  expect(parse(text, true).ok).toBe(false);
  expect(parse(text).ok).toBe(false);
});
