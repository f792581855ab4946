import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { ARCHIVE_LIMITS, type ArchiveCode } from '#core/adapters/archiveRules.ts';
import { adaptableBase } from '#core/adapters/bases.ts';
import { BASE_SHA256_FIELD } from '#core/weights/adapterGguf.ts';
import { readSafetensors, type Tensor, writeSafetensors } from '#core/weights/safetensors.ts';
import { scanArchive } from '#io/adapters/scanArchive.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { adapterArchive, adapterMembers, type TarMember, tarGz } from '#test/builders/archives.ts';

const found = adaptableBase('tunegate-nano');
if (found === undefined) throw new Error('the base is known');
const base = found;
const scratch = mkdtempSync(join(tmpdir(), 'tunegate-scan-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(scratch, 'unpacked-'));
});
function scan(archive: Uint8Array, unpackedBytes?: number) {
  const path = join(directory, '..', 'archive.tar.gz');
  writeFileSync(path, archive);
  return scanArchive(path, directory, base, unpackedBytes);
}

const demo = adapterMembers();
const weights = readSafetensors(Buffer.from(demo[1]?.data ?? ''));
const config = JSON.parse(String(Buffer.from(demo[0]?.data ?? '')));
const withWeights = (
  metadata: Readonly<Record<string, string>>,
  change: (tensors: Map<string, Tensor>) => void,
) => {
  const tensors = new Map(weights.tensors);
  change(tensors);
  return adapterArchive({ 'adapter_model.safetensors': writeSafetensors({ metadata, tensors }) });
};
const withConfig = (changed: object) =>
  adapterArchive({ 'adapter_config.json': JSON.stringify({ ...config, ...changed }) });
const withMember = (member: TarMember) => tarGz([...adapterMembers(), member]);
const some = [...weights.tensors.keys()][0] ?? '';
const someTensor = weights.tensors.get(some);
if (someTensor === undefined) throw new Error('there are tensors');
const file = readFileSync('lib/local/demo/northwind/adapter/adapter_model.safetensors');
const lyingHeader = Buffer.from(file);
lyingHeader.writeBigUInt64LE(2n ** 40n);

test('what serves is the configuration, written anew, and the weights', async () => {
  const archive = adapterArchive({
    'README.md': 'hello',
    'tokenizer_config.json': '{"chat_template": "other"}',
  });
  const scanned = await scan(archive);
  expect(scanned).toMatchObject({ ok: true, value: { content: { rank: 8, weightsBytes: file.length } } });
  expect(readdirSync(directory).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  expect(readFileSync(join(directory, 'adapter_model.safetensors'))).toEqual(file);
  expect(JSON.parse(readFileSync(join(directory, 'adapter_config.json'), 'utf8'))).toEqual(config);
  if (scanned.ok) expect(scanned.value.lineage.dataset?.sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('an unknown key of PEFT changes neither the file that serves nor its name', async () => {
  const plain = await scan(adapterArchive());
  const other = await scan(
    withConfig({
      revision: 'x',
      auto_mapping: null,
      base_model_name_or_path: '/tmp/x',
      init_lora_weights: 'gaussian',
      layer_replication: null,
      lora_bias: false,
    }),
  );
  expect(other).toEqual(plain);
});

const CASES: Readonly<Record<string, readonly [ArchiveCode, () => Uint8Array]>> = {
  'bytes that are no archive': ['not_an_archive', () => Buffer.from('hello')],
  'an empty object': ['not_an_archive', () => Buffer.alloc(0)],
  'an archive that is cut off': ['not_an_archive', () => adapterArchive().subarray(0, 20_000)],
  'a gzip that is no tar': ['not_an_archive', () => gzipSync(Buffer.alloc(4_096, 7))],
  'a gzip within a gzip': ['not_an_archive', () => gzipSync(adapterArchive())],
  'a path that climbs out': ['member_outside', () => withMember({ name: '../../etc/cron.d/x', data: 'x' })],
  'an absolute path': ['member_outside', () => withMember({ name: '/etc/passwd', data: 'x' })],
  'a path that climbs from within': ['member_outside', () => withMember({ name: 'a/../../x', data: 'x' })],
  'a path with backslashes': ['member_outside', () => withMember({ name: '..\\x', data: 'x' })],
  'a symbolic link': [
    'member_not_a_file',
    () => withMember({ name: 'tokenizer.json', type: '2', linkname: '/etc/passwd' }),
  ],
  'a hard link': [
    'member_not_a_file',
    () => withMember({ name: 'README.md', type: '1', linkname: '/etc/passwd' }),
  ],
  'a device': ['member_not_a_file', () => withMember({ name: 'README.md', type: '3' })],
  'a fifo': ['member_not_a_file', () => withMember({ name: 'README.md', type: '6' })],
  'a folder': ['member_not_a_file', () => withMember({ name: 'sub/', type: '5' })],
  'a file in a folder': [
    'member_forbidden',
    () => withMember({ name: 'sub/adapter_config.json', data: '{}' }),
  ],
  'code that a server would run': [
    'member_forbidden',
    () => withMember({ name: 'model.py', data: 'import os' }),
  ],
  'a property of every object': ['member_forbidden', () => withMember({ name: 'constructor', data: 'x' })],
  'a pickle by its name': ['member_is_pickle', () => withMember({ name: 'adapter_model.bin', data: 'x' })],
  'a zipped checkpoint under the name of safetensors': [
    'member_is_pickle',
    () => adapterArchive({ 'adapter_model.safetensors': Buffer.from('PK\x03\x04and the rest of it') }),
  ],
  'a member of a terabyte': [
    'archive_expands_too_far',
    () => gzipSync(memberOf('adapter_model.safetensors', 2 ** 32)),
  ],
  'a member twice': ['member_twice', () => withMember({ name: './lineage.json', data: '{}' })],
  'a small file that is not small': [
    'member_too_large',
    () => withMember({ name: 'README.md', data: Buffer.alloc(ARCHIVE_LIMITS.smallMemberBytes + 1) }),
  ],
  'too many members': [
    'too_many_members',
    () => tarGz(Array.from({ length: ARCHIVE_LIMITS.members + 1 }, () => ({ name: './', type: '5' }))),
  ],
  'headers without members': [
    'too_many_members',
    () =>
      tarGz(
        Array.from({ length: 3 * ARCHIVE_LIMITS.members }, () => ({
          name: 'x',
          type: 'g',
          data: '12 k=aaaaaa\n',
        })),
      ),
  ],
  'no configuration': ['config_missing', () => adapterArchive({ 'adapter_config.json': null })],
  'no weights': ['weights_missing', () => adapterArchive({ 'adapter_model.safetensors': null })],
  'a configuration that is no JSON': ['config_invalid', () => adapterArchive({ 'adapter_config.json': '{' })],
  'another method than LoRA': ['adapter_unsupported', () => withConfig({ peft_type: 'IA3' })],
  'trained biases': ['adapter_unsupported', () => withConfig({ bias: 'all' })],
  DoRA: ['adapter_unsupported', () => withConfig({ use_dora: true })],
  'whole modules saved': ['adapter_unsupported', () => withConfig({ modules_to_save: ['lm_head'] })],
  'ranks that differ by module': ['adapter_unsupported', () => withConfig({ rank_pattern: { q_proj: 4 } })],
  'layers that are there twice': ['adapter_unsupported', () => withConfig({ layer_replication: [[0, 4]] })],
  'trained tokens': ['adapter_unsupported', () => withConfig({ trainable_token_indices: [1] })],
  'an adapter that only some tokens wake': [
    'adapter_unsupported',
    () => withConfig({ alora_invocation_tokens: [5] }),
  ],
  'an adapter of a base that was changed first': [
    'adapter_unsupported',
    () => withConfig({ init_lora_weights: 'pissa_niter_4' }),
  ],
  'an unknown module': ['adapter_unsupported', () => withConfig({ target_modules: ['q_proj', 'lm_head'] })],
  'a rank that is not served': ['rank_unsupported', () => withConfig({ r: 64 })],
  'a rank that is not that of the weights': ['shape_mismatch', () => withConfig({ r: 16 })],
  'a header that is longer than its file': [
    'weights_invalid',
    () => adapterArchive({ 'adapter_model.safetensors': lyingHeader }),
  ],
  'weights that are cut off': [
    'weights_invalid',
    () => adapterArchive({ 'adapter_model.safetensors': file.subarray(0, file.length - 4) }),
  ],
  'bytes behind the last tensor': [
    'weights_invalid',
    () => adapterArchive({ 'adapter_model.safetensors': Buffer.concat([file, Buffer.from('#!/bin/sh')]) }),
  ],
  ...Object.fromEntries(
    (['F32', 'F16', 'BF16'] as const).flatMap((dtype) =>
      ([Number.NaN, Number.NEGATIVE_INFINITY] as const).map((value) => [
        `${value} among weights of ${dtype}`,
        ['weights_invalid', () => withWeights(weights.metadata, (tensors) => spoil(tensors, dtype, value))],
      ]),
    ),
  ),
  'weights that name no base': ['base_unknown', () => withWeights({}, () => undefined)],
  'weights of another base': [
    'base_mismatch',
    () => withWeights({ [BASE_SHA256_FIELD]: 'f'.repeat(64) }, () => undefined),
  ],
  'a tensor too many': [
    'tensor_unexpected',
    () =>
      withWeights(weights.metadata, (tensors) => tensors.set('base_model.model.lm_head.weight', someTensor)),
  ],
  'a tensor too few': [
    'tensor_missing',
    () => withWeights(weights.metadata, (tensors) => tensors.delete(some)),
  ],
  'a tensor of another shape': [
    'shape_mismatch',
    () =>
      withWeights(weights.metadata, (tensors) =>
        tensors.set(some, { ...someTensor, shape: [...someTensor.shape].reverse() }),
      ),
  ],
  'another chat template': [
    'template_mismatch',
    () => adapterArchive({ 'chat_template.jinja': '{{ messages }}' }),
  ],
  'a lineage of another base': [
    'base_mismatch',
    () => adapterArchive({ 'lineage.json': '{"baseSha256": "aa"}' }),
  ],
  'a lineage that is nested without end': [
    'lineage_invalid',
    () => adapterArchive({ 'lineage.json': `{"settings":{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}}` }),
  ],
};

test.for(Object.entries(CASES))('refuses %s', async ([, [code, archive]]) => {
  const scanned = await scan(archive());
  expect(scanned.ok ? 'accepted' : scanned.error.code).toBe(code);
});

test('stops a bomb long before it is unpacked, behind whatever it hides', async () => {
  const limit = 1024 * 1024;
  const zeros = gzipSync(Buffer.alloc(4 * limit), { level: 9 }); // 4 MB in 4 KB
  const within = Buffer.concat([gzipSync(memberOf('adapter_model.safetensors', 3 * limit)), zeros]);
  const behind = Buffer.concat([adapterArchive(), zeros, zeros]);
  for (const bomb of [within, behind]) {
    const scanned = await scan(bomb, limit);
    expect(scanned.ok ? 'accepted' : scanned.error.code).toBe('archive_expands_too_far');
  }
});

test('an archive may end in padding, and what hides behind its end is passed over or refused', async () => {
  const unpadded = adapterArchive();
  const padded = (bytes: number) => Buffer.concat([unpadded, gzipSync(Buffer.alloc(bytes))]);
  expect(await scan(padded(20 * 512))).toEqual(await scan(unpadded));
  const scanned = await scan(padded(64 * 1024 * 1024)); // some 30 s of copying, if it came to the parser
  expect(scanned.ok ? 'accepted' : scanned.error.code).toBe('archive_expands_too_far');
});

/** Puts one value into the last place of the last tensor, and the other values into zeros of this type. */
function spoil(tensors: Map<string, Tensor>, dtype: Tensor['dtype'], value: number): void {
  for (const [name, { shape }] of tensors) {
    const count = shape.reduce((a, b) => a * b, 1);
    tensors.set(name, { dtype, shape, bytes: new Uint8Array(count * (dtype === 'F32' ? 4 : 2)) });
  }
  const bytes = [...tensors.values()].at(-1)?.bytes ?? new Uint8Array();
  const view = new DataView(bytes.buffer);
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const place = bytes.length - (dtype === 'F32' ? 4 : 2);
  if (dtype === 'F32') view.setFloat32(place, value, true);
  else if (dtype === 'BF16') view.setUint16(place, bits.getUint16(0), true);
  else view.setUint16(place, Number.isNaN(value) ? 0x7e00 : 0xfc00, true);
}

/** The header alone of a member of so many bytes. */
function memberOf(name: string, bytes: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

test('the registry knows the base as its folder describes it', () => {
  const { sha256, config: shape } = readBaseModel('containers/bases/tunegate-nano');
  expect(base.sha256).toBe(sha256);
  expect(shape).toMatchObject(base.config);
});
