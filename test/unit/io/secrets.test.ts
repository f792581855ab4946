import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeSecretReader } from '#io/secrets.ts';

let extension: Server;
let port = 0;
let reads = 0;
/** What the extension answers; undefined: it fails. */
let secret: string | undefined;
beforeEach(async () => {
  reads = 0;
  secret = 'first';
  extension = createServer((_, response) => {
    reads += 1;
    response.statusCode = secret === undefined ? 500 : 200;
    response.end(JSON.stringify({ SecretString: secret }));
  });
  await new Promise<void>((resolve) => extension.listen(0, 'localhost', resolve));
  const address = extension.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(() => extension.close());

const readerAt = (clock: () => number) =>
  makeSecretReader({ PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: String(port) }, clock);

test('a secret is read once, and again behind the call that finds it old', async () => {
  let now = 0;
  const read = readerAt(() => now);
  expect(await Promise.all([read('s'), read('s')])).toEqual(['first', 'first']);
  expect(reads).toBe(1);
  secret = 'second';
  now = 61_000;
  expect(await read('s')).toBe('first');
  await expect.poll(() => read('s')).toBe('second');
  expect(reads).toBe(2);
});

test('a secret that cannot be read throws, and the next call tries again', async () => {
  const read = readerAt(() => 0);
  secret = undefined;
  await expect(read('s')).rejects.toThrow('status 500');
  secret = 'there';
  expect(await read('s')).toBe('there');
});

test('a secret that was read once outlives a failure of the extension', async () => {
  let now = 0;
  const read = readerAt(() => now);
  await read('s');
  secret = undefined;
  now = 61_000;
  await read('s');
  await expect.poll(() => reads).toBe(2);
  expect(await read('s')).toBe('first');
});
