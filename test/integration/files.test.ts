import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentKey, reportKey } from '#core/files/types.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { bytesOf, chatLine } from '#test/builders/datasets.ts';
import { form, startFileDesk } from '#test/builders/files.ts';

const EXAMPLES = bytesOf(
  ...Array.from({ length: 12 }, (_, i) => chatLine(`where is parcel ${i}`, 'shipping')),
);
const LARGE = bytesOf(
  ...Array.from({ length: 4_000 }, (_, i) => chatLine(`where is my parcel number ${i}?`, 'shipping')),
);
const UNKNOWN = 'file-01k00000000000000000000000';

type Body = NonNullable<RequestInit['body']>;

let desk: Awaited<ReturnType<typeof startFileDesk>>;
let tenant: Awaited<ReturnType<typeof desk.agency.newTenant>>;
let other: typeof tenant;
let openai: OpenAI;
beforeAll(async () => {
  desk = await startFileDesk();
  tenant = await desk.agency.newTenant('Northwind');
  other = await desk.agency.newTenant('Contoso');
  openai = desk.client(tenant.apiKey);
}, 60_000);
afterAll(() => desk.stop());

const upload = (content: Buffer, filename = 'train.jsonl', client = openai) =>
  client.files.create({ file: new File([new Uint8Array(content)], filename), purpose: 'fine-tune' });

async function call(
  method: string,
  path: string,
  options: { key?: string; body?: Body; type?: string } = {},
) {
  const response = await fetch(`${desk.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${options.key ?? tenant.apiKey}`,
      ...(options.type === undefined ? {} : { 'content-type': options.type }),
    },
    ...(options.body === undefined ? {} : { body: options.body }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}
const report = async (id: string) => (await call('GET', `/files/${id}/report`)).body;
const aFile = (name = 'a.jsonl') => new File([new Uint8Array(EXAMPLES)], name);

describe('the OpenAI SDK', () => {
  test('creates, retrieves, reads and deletes a file', async () => {
    const created = await upload(EXAMPLES);
    expect(created).toMatchObject({
      object: 'file',
      bytes: EXAMPLES.length,
      filename: 'train.jsonl',
      purpose: 'fine-tune',
      status: 'processed',
      status_details: null,
    });
    expect(created.id).toMatch(/^file-/);
    expect(await openai.files.retrieve(created.id)).toMatchObject({ ...created });
    expect(await (await openai.files.content(created.id)).text()).toBe(EXAMPLES.toString());
    expect(await openai.files.delete(created.id)).toMatchObject({
      id: created.id,
      object: 'file',
      deleted: true,
    });
    await expect(openai.files.retrieve(created.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    await expect(openai.files.delete(created.id)).rejects.toMatchObject({ status: 404 });
    const named = { tenantId: tenant.id as TenantId, id: created.id as FileId };
    for (const key of [contentKey(named), reportKey(named)])
      expect(await desk.deps.objects.size(key)).toBeUndefined();
  });

  test('lists by purpose, in both orders, page by page', async () => {
    const lister = await desk.agency.newTenant('Lister');
    const client = desk.client(lister.apiKey);
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.push((await upload(EXAMPLES, name, client)).id);
    const evals = await client.files.create({ file: aFile('d'), purpose: 'evals' });
    const all: string[] = [];
    for await (const file of client.files.list({ limit: 2 })) all.push(file.id);
    expect(all).toEqual([evals.id, ...ids.toReversed()]);
    const training = await client.files.list({ purpose: 'fine-tune', order: 'asc' });
    expect(training.data.map(({ id }) => id)).toEqual(ids);
    expect(training.has_more).toBe(false);
  });

  test('gets the same bytes back of a file that is not UTF-8, and it is reported', async () => {
    const bytes = Buffer.concat([EXAMPLES, Buffer.from([0xff, 0x00, 0xfe])]);
    const created = await upload(bytes);
    expect(created.status).toBe('error');
    expect(created.status_details).toContain('line 13');
    const content = await openai.files.content(created.id);
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
    expect(await report(created.id)).toMatchObject({
      object: 'file.report',
      file: created.id,
      valid: false,
      errors: { count: 1, data: [{ line: 13, code: 'not_utf8' }] },
      statistics: { examples: 12 },
    });
  });
});

test('a larger file is checked through the queue, once, and is answered by a link', async () => {
  const created = await upload(LARGE);
  expect(created.status).toBe('uploaded');
  expect((await call('GET', `/files/${created.id}/report`)).status).toBe(409);
  expect(await desk.checkQueued()).toBe(1);
  expect((await openai.files.retrieve(created.id)).status).toBe('processed');
  expect(await report(created.id)).toMatchObject({
    valid: true,
    statistics: { examples: 4_000, classes: [{ answer: 'shipping', examples: 4_000 }] },
  });
  await desk.deps.checks.send({ tenantId: tenant.id as TenantId, fileId: created.id as FileId });
  expect(await desk.checkQueued()).toBe(1);
  expect((await openai.files.retrieve(created.id)).status).toBe('processed');
});

test('a file that is deleted before its check leaves nothing behind', async () => {
  const created = await upload(LARGE);
  await openai.files.delete(created.id);
  expect(await desk.checkQueued()).toBe(1);
  const named = { tenantId: tenant.id as TenantId, id: created.id as FileId };
  expect(await desk.deps.objects.size(reportKey(named))).toBeUndefined();
});

describe('an upload past the API', () => {
  const open = (bytes: number) =>
    call('POST', '/files/uploads', {
      type: 'application/json',
      body: JSON.stringify({ filename: 'big.jsonl', purpose: 'fine-tune', bytes }),
    });
  const post = async ({ url, fields }: { url: string; fields: Record<string, string> }, content: Buffer) =>
    (
      await fetch(url, {
        method: 'POST',
        body: form({ ...fields, file: new File([new Uint8Array(content)], 'x') }),
      })
    ).status;

  test('takes the bytes, and repeated completion answers the same file', async () => {
    const opened = await open(EXAMPLES.length);
    expect(opened.status).toBe(200);
    const id = String(opened.body.file_id);
    expect((await call('GET', `/files/${id}`)).status).toBe(404);
    expect(await call('POST', `/files/${id}/complete`)).toMatchObject({ status: 400 });
    expect(await call('POST', `/files/${id}/complete`, { key: other.apiKey })).toMatchObject({ status: 404 });
    expect(await post(opened.body, EXAMPLES)).toBe(204);
    const completed = await call('POST', `/files/${id}/complete`);
    expect(completed).toMatchObject({
      status: 200,
      body: { id, status: 'processed', bytes: EXAMPLES.length },
    });
    expect(await call('POST', `/files/${id}/complete`)).toEqual(completed);
    // The form is still good, and changes nothing of the file.
    expect(await post(opened.body, Buffer.from('changed'))).toBe(204);
    expect(await (await openai.files.content(id)).text()).toBe(EXAMPLES.toString());
  });

  test('refuses more bytes than were said, and another place', async () => {
    const { body } = await open(100);
    expect(await post(body, EXAMPLES)).toBe(400);
    const elsewhere = {
      ...body,
      fields: { ...body.fields, key: `tenants/${other.id}/files/x/content.jsonl` },
    };
    expect(await post(elsewhere, Buffer.from('x'))).toBe(403);
  });

  test.each([
    ['no name', { purpose: 'evals', bytes: 1 }, 'filename'],
    ['a path', { filename: '../x', purpose: 'evals', bytes: 1 }, 'filename'],
    ['another purpose', { filename: 'x', purpose: 'vision', bytes: 1 }, 'purpose'],
    ['more than a file may have', { filename: 'x', purpose: 'evals', bytes: 6e8 }, 'bytes'],
  ])('refuses %s', async (_, body, param) => {
    const answer = await call('POST', '/files/uploads', {
      type: 'application/json',
      body: JSON.stringify(body),
    });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', param } } });
  });
});

describe('a form is refused', () => {
  const boundary = 'multipart/form-data; boundary=x';
  const NO_FILE = {
    status: 400,
    body: { error: { message: expect.stringMatching("'file' is required"), param: 'file' } },
  };
  test.each<[string, () => { body: Body; type?: string }, object]>([
    ['that is JSON', () => ({ body: '{}', type: 'application/json' }), { status: 415 }],
    [
      'without a purpose',
      () => ({ body: form({ file: aFile() }) }),
      { status: 400, body: { error: { param: 'purpose' } } },
    ],
    [
      'with an unknown purpose',
      () => ({ body: form({ purpose: 'vision', file: aFile() }) }),
      { status: 400, body: { error: { param: 'purpose' } } },
    ],
    [
      'with an unknown field',
      () => ({ body: form({ purpose: 'evals', __proto: 'x', file: aFile() }) }),
      { status: 400 },
    ],
    ['without a file', () => ({ body: form({ purpose: 'evals' }) }), NO_FILE],
    ['with a text for a file', () => ({ body: form({ purpose: 'evals', file: 'text' }) }), NO_FILE],
    [
      'with an empty file',
      () => ({ body: form({ purpose: 'evals', file: new File([], 'a') }) }),
      { status: 400, body: { error: { param: 'file' } } },
    ],
    [
      'with two files',
      () => ({ body: form({ purpose: 'evals', file: aFile(), other: aFile() }) }),
      { status: 400 },
    ],
    [
      'that ends early',
      () => ({
        body: '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
        type: boundary,
      }),
      { status: 400 },
    ],
    [
      'without a boundary',
      () => ({ body: 'x', type: 'multipart/form-data; charset=utf-8' }),
      { status: 400 },
    ],
    ['that is empty', () => ({ body: '', type: boundary }), { status: 400 }],
    [
      'above the limit',
      () => ({ body: form({ purpose: 'evals', file: new File([new Uint8Array(5e6)], 'a') }) }),
      { status: 413, body: { error: { message: expect.stringMatching('/v1/files/uploads') } } },
    ],
  ])('%s', async (_, make, expected) => {
    expect(await call('POST', '/files', make())).toMatchObject(expected);
  });
});

describe('who may not', () => {
  test('another tenant finds nothing, and deletes nothing', async () => {
    const { id } = await upload(EXAMPLES);
    for (const [method, path] of [
      ['GET', `/files/${id}`],
      ['GET', `/files/${id}/content`],
      ['GET', `/files/${id}/report`],
      ['DELETE', `/files/${id}`],
      ['POST', `/files/${id}/complete`],
      ['GET', `/files/${UNKNOWN}`],
      ['GET', '/files/..%2f..%2fx'],
    ] as const) {
      const answer = await call(method, path, { key: other.apiKey });
      expect({ path, ...answer }).toMatchObject({
        path,
        status: 404,
        body: { error: { code: 'not_found' } },
      });
    }
    const theirs = await call('GET', '/files', { key: other.apiKey });
    expect(theirs.body.data).toEqual([]);
    expect((await openai.files.retrieve(id)).id).toBe(id);
  });

  test('a key without the scope, no key, and the admin key are refused', async () => {
    const made = await desk.agency.admin('POST', `${tenant.path}/keys`, {
      name: 'chat only',
      scopes: ['chat'],
    });
    const routes = [
      ['GET', '/files'],
      ['POST', '/files'],
      ['POST', '/files/uploads'],
      ['GET', `/files/${UNKNOWN}`],
      ['DELETE', `/files/${UNKNOWN}`],
      ['GET', `/files/${UNKNOWN}/content`],
      ['GET', `/files/${UNKNOWN}/report`],
      ['POST', `/files/${UNKNOWN}/complete`],
    ] as const;
    for (const [method, path] of routes) {
      expect((await call(method, path, { key: String(made.body.api_key) })).status).toBe(403);
      expect((await call(method, path, { key: 'tg_nobody' })).status).toBe(401);
    }
  });

  test.each(['limit=0', 'limit=x', 'order=up', 'purpose=vision', 'unknown=1', 'after='])(
    'a list of ?%s is refused',
    async (query) => {
      expect((await call('GET', `/files?${query}`)).status).toBe(400);
    },
  );
});
