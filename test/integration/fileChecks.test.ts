import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkFile } from '#core/files/checkFile.ts';
import { FILE_LIMITS } from '#core/files/limits.ts';
import type { FileIntake } from '#core/files/ports.ts';
import { storeFile } from '#core/files/storeFile.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import { FUNCTIONS } from '#io/definitions/functions.ts';
import { bytesOf, chatLine } from '#test/builders/datasets.ts';
import { startFileDesk } from '#test/builders/files.ts';

const examples = (count: number) =>
  bytesOf(
    ...Array.from({ length: count }, (_, i) => chatLine(`where is my parcel number ${i}?`, 'shipping')),
  );
const SMALL = examples(12);
const LARGE = examples(4_000);

let desk: Awaited<ReturnType<typeof startFileDesk>>;
let tenant: Awaited<ReturnType<typeof desk.agency.newTenant>>;
let openai: OpenAI;
beforeAll(async () => {
  desk = await startFileDesk();
  tenant = await desk.agency.newTenant('Northwind');
  openai = desk.client(tenant.apiKey);
}, 60_000);
afterAll(() => desk.stop());

const upload = () =>
  openai.files.create({ file: new File([new Uint8Array(LARGE)], 'a.jsonl'), purpose: 'fine-tune' });

async function report(id: string) {
  const response = await fetch(`${desk.url}/files/${id}/report`, {
    headers: { authorization: `Bearer ${tenant.apiKey}` },
  });
  return { status: response.status, body: await response.json() };
}

test('a check that dies is tried until the queue gives up, and then the file says so', async () => {
  const created = await upload();
  await expect(desk.checkQueued(true)).rejects.toThrow(created.id);
  const file = await openai.files.retrieve(created.id);
  expect(file).toMatchObject({ status: 'error', status_details: expect.stringContaining('by our fault') });
  expect(await report(created.id)).toMatchObject({
    status: 404,
    body: { error: { message: expect.stringContaining('by our fault') } },
  });
});

test('giving up changes nothing of a file that was checked meanwhile', async () => {
  const created = await upload();
  expect(await desk.checkQueued()).toBe(1);
  await desk.deps.checks.send({ tenantId: tenant.id as TenantId, fileId: created.id as FileId });
  expect(await desk.checkQueued(true)).toBe(1);
  expect((await openai.files.retrieve(created.id)).status).toBe('processed');
});

test('a check is asked for before there is a file to wait for, and again then', async () => {
  const sent: {
    readonly fileId: string;
    readonly delaySeconds: number | undefined;
    readonly known: boolean;
  }[] = [];
  const checks: FileIntake['checks'] = {
    send: async ({ tenantId, fileId }, delaySeconds) => {
      const known = (await desk.deps.files.read(tenantId, fileId)) !== undefined;
      sent.push({ fileId, delaySeconds, known });
    },
  };
  const given = { tenantId: tenant.id as TenantId, filename: 'a.jsonl', purpose: 'fine-tune' as const };
  const { id: fileId } = await storeFile({ ...desk.deps, checks }, { ...given, content: LARGE });
  expect(sent).toEqual([
    { fileId, delaySeconds: 900, known: false },
    { fileId, delaySeconds: undefined, known: true },
  ]);
  // A small file is checked before anybody can see it.
  const small = await storeFile({ ...desk.deps, checks }, { ...given, content: SMALL });
  expect(small.status).toBe('processed');
  expect(sent).toHaveLength(2);
});

test('a check that takes too long ends with what it has found', async () => {
  let nowMs = 0;
  const world = { ...desk.deps.world, clock: () => (nowMs += 1_000) };
  const created = await upload();
  const file = await desk.deps.files.read(tenant.id as TenantId, created.id as FileId);
  if (file === undefined) throw new Error('the file is gone');
  await checkFile({ ...desk.deps, world }, file);
  const lines = FILE_LIMITS.checkMs / 1_000;
  expect((await report(created.id)).body).toMatchObject({
    valid: false,
    errors: { count: 1, data: [{ line: lines + 1, code: 'took_too_long', fix: 'Split the file.' }] },
    statistics: { examples: lines },
  });
  expect(await desk.checkQueued()).toBe(1);
});

test('a check, and the making of a version, end before their functions do', () => {
  const leftMs = 30_000;
  expect(FILE_LIMITS.checkMs).toBeLessThanOrEqual(FUNCTIONS['check-dataset'].timeoutSeconds * 1_000 - leftMs);
  expect(JOB_LIMITS.preparingMs).toBeLessThanOrEqual(
    FUNCTIONS['start-training'].timeoutSeconds * 1_000 - leftMs,
  );
  // Nobody begins a version again while the function that makes it may be at work.
  expect(JOB_LIMITS.silentWorkMs).toBeGreaterThan(FUNCTIONS['start-training'].timeoutSeconds * 1_000);
});
