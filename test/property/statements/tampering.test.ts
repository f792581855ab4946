import { fc, test as property } from '@fast-check/vitest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalJson } from '#core/statements/canonicalJson.ts';
import { CHAIN_START, hashOf } from '#core/statements/receipts.ts';
import { sealText } from '#core/statements/sealText.ts';
import { makeSealKey } from '#io/sealCrypto.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { makeBooks, NEXT_SEAL_KEY, SEAL_KEY, sha256, verify } from '#test/builders/statements.ts';

const NOW_MS = Date.UTC(2026, 4, 1);
const START_MS = Date.UTC(2026, 2, 30);
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let text: string;
beforeAll(async () => {
  database = await startTestDatabase();
  const books = makeBooks(database);
  const tenantId = await books.open('tampered', START_MS);
  const calls = Array.from({ length: 8 }, (_, n) => [n, START_MS + n * 5 * HOUR_MS] as const);
  await books.settle(tenantId, 'tampered', calls);
  for (const hours of [14, 20, 32]) await books.seal(tenantId, START_MS + hours * HOUR_MS);
  await books.seal(tenantId, NOW_MS);
  text = await books.file(tenantId, '2026-03');
});
afterAll(() => database.stop());

const problems = async (changed: string, trusted?: readonly string[]) =>
  (await verify(changed, NOW_MS, trusted)).problems;
const lines = () => text.trimEnd().split('\n');
const write = (all: readonly string[]) => `${all.join('\n')}\n`;

test('a file as it was written has no problem', async () => {
  expect(await problems(text)).toEqual([]);
});

property.prop([fc.nat(), fc.integer({ min: 32, max: 126 })], { numRuns: 150 })(
  'a change of any one character is found',
  async (where, code) => {
    const place = where % text.length;
    const character = String.fromCharCode(code);
    fc.pre(text[place] !== character);
    const found = await problems(text.slice(0, place) + character + text.slice(place + 1));
    expect(found).not.toEqual([]);
  },
);

property.prop([fc.nat()], { numRuns: 60 })('a character left out or doubled is found', async (where) => {
  const place = where % text.length;
  expect(await problems(text.slice(0, place) + text.slice(place + 1))).not.toEqual([]);
  expect(await problems(text.slice(0, place + 1) + text.slice(place))).not.toEqual([]);
});

test('says which receipt is missing, wherever it was', async () => {
  for (let line = 1; line < lines().length; line += 1) {
    const found = await problems(write(lines().filter((_, index) => index !== line)));
    expect(found).toEqual([{ code: 'missing', message: `receipt ${line} is missing` }]);
  }
});

test('says which receipt was added', async () => {
  const [header = '', first = '', second = '', ...rest] = lines();
  expect(await problems(write([header, first, second, first, ...rest]))).toEqual([
    { code: 'added', message: 'line 4: receipt 1 is there a second time' },
  ]);
  const last = JSON.parse(lines().at(-1) ?? '');
  const { hash: previousHash, ...facts } = last;
  const next = { ...facts, sequence: last.sequence + 1, previousHash };
  const forged = canonicalJson({ ...next, hash: hashOf(next, sha256) });
  expect(await problems(write([...lines(), forged]))).toEqual([
    { code: 'added', message: 'line 11: receipt 10 is in no seal' },
  ]);
});

test('says which receipt was moved', async () => {
  const [header = '', first = '', second = '', ...rest] = lines();
  expect(await problems(write([header, second, first, ...rest]))).toEqual([
    { code: 'moved', message: 'line 3: receipt 1 stands out of order' },
  ]);
});

test('says which receipt was changed, also when its hash was made anew', async () => {
  const changed = lines().map((line, index) =>
    index === 3 ? line.replace('"amountMicro":-', '"amountMicro":-9') : line,
  );
  expect(await problems(write(changed))).toEqual([
    { code: 'changed', message: 'line 4: receipt 3 was changed' },
  ]);
  const rehashed = changed.map((line, index) => {
    if (index !== 3) return line;
    const { hash: _, ...facts } = JSON.parse(line);
    return canonicalJson({ ...facts, hash: hashOf(facts, sha256) });
  });
  expect(await problems(write(rehashed))).toEqual([
    { code: 'changed', message: 'line 5: receipt 4 does not follow what stands before it: one was changed' },
  ]);
});

test('a chain made anew from end to end is not the one that was signed', async () => {
  const [header = '', ...receipts] = lines();
  let previousHash = CHAIN_START.hash;
  const anew = receipts.map((line, index) => {
    const { hash: _, ...facts } = JSON.parse(line);
    const next = {
      ...facts,
      previousHash,
      inputTokens: undefined,
      amountMicro: index === 4 ? -1 : facts.amountMicro,
    };
    delete next.inputTokens;
    previousHash = hashOf(next, sha256);
    return canonicalJson({ ...next, hash: previousHash });
  });
  expect((await problems(write([header, ...anew])))[0]?.code).toBe('forged');
});

test('a statement signed by somebody else is refused where the agency’s key is known', async () => {
  const other = makeSealKey('somebody else');
  const header = JSON.parse(lines()[0] ?? '');
  header.keys = [{ id: other.id, publicKey: other.publicKey }];
  for (const signed of header.seals) {
    signed.keyId = other.id;
    signed.signature = other.sign(sealText(signed.seal));
  }
  const forged = write([canonicalJson(header), ...lines().slice(1)]);
  expect(await problems(forged)).toEqual([
    { code: 'unknown_key', message: `the key ${other.id} is none of those that were given` },
  ]);
  expect(await problems(forged, [other.publicKey, SEAL_KEY.publicKey])).toEqual([]);
});

test('says that seals are missing at either end', async () => {
  const header = JSON.parse(lines()[0] ?? '');
  const cut = (seals: readonly unknown[]) =>
    write([canonicalJson({ ...header, seals }), ...lines().slice(1)]);
  for (const seals of [header.seals.slice(1), header.seals.slice(0, -1), header.seals.toSpliced(2, 1), []]) {
    expect((await problems(cut(seals))).map(({ code }) => code)).toContain('missing');
  }
});

test('a month over which the agency’s key was rotated verifies with both keys, and with neither alone', async () => {
  const books = makeBooks(database);
  const tenantId = await books.open('rotated', START_MS);
  await books.settle(tenantId, 'rotated', [
    [5, START_MS + HOUR_MS],
    [6, START_MS + 20 * HOUR_MS],
  ]);
  await books.seal(tenantId, START_MS + 14 * HOUR_MS);
  const signer = {
    sign: async (sealed: string) => ({ keyId: NEXT_SEAL_KEY.id, signature: NEXT_SEAL_KEY.sign(sealed) }),
  };
  await books.seal(tenantId, NOW_MS, { signer });
  const file = await books.file(tenantId, '2026-03');
  const both = [SEAL_KEY.publicKey, NEXT_SEAL_KEY.publicKey];
  expect(await problems(file, both)).toEqual([]);
  for (const key of both)
    expect((await problems(file, [key])).map(({ code }) => code)).toEqual(['unknown_key']);
});

test('a file that is read while the book is sealed further is the file that was begun', async () => {
  const books = makeBooks(database);
  const tenantId = await books.open('paged', START_MS);
  const calls = Array.from({ length: 12 }, (_, n) => [n, START_MS + n * 3 * HOUR_MS] as const);
  await books.settle(tenantId, 'paged', calls);
  await books.seal(tenantId, START_MS + 26 * HOUR_MS);
  const until = START_MS + 26 * HOUR_MS;
  const text = await books.file(tenantId, '2026-03', () => books.seal(tenantId, NOW_MS));
  expect((await verify(text, until)).problems).toEqual([]);
  expect((await books.file(tenantId, '2026-03')).length).toBeGreaterThan(text.length);
});
