import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import {
  ADAPTER_FILES,
  ARCHIVE_LIMITS,
  type ArchiveRefused,
  judgeMember,
  looksLikePickle,
  type MemberUse,
} from '#core/adapters/archiveRules.ts';
import type { AdaptableBase } from '#core/adapters/bases.ts';
import { checkWeights, readConfig, readLineage } from '#core/adapters/checkContent.ts';
import type { AdapterContent, Lineage } from '#core/adapters/types.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { allFinite } from '#core/weights/allFinite.ts';
import { headerEnd, type SafetensorsHeader } from '#core/weights/safetensors.ts';

/** A scanned adapter: `directory` has adapter_config.json and adapter_model.safetensors, and nothing else. */
export type Unpacked = { readonly content: AdapterContent; readonly lineage: Lineage };

/** Carries a refusal out of a stream. */
class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: ArchiveRefused;

  constructor(refusal: ArchiveRefused) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

const refused = (code: ArchiveRefused['code'], message: string) => new Refused({ code, message });

/** What was kept of the members: small ones by their bytes, the weights by their place on the disk. */
type Members = { readonly small: Map<string, Buffer>; weightsBytes: number | undefined };

/**
 * Unpacks an adapter's archive (.tar.gz) into a folder and judges every member and the adapter itself. Bounded in
 * memory, disk and time by `ARCHIVE_LIMITS`; the first thing that is wrong refuses the whole archive.
 */
export async function scanArchive(
  archivePath: string,
  directory: string,
  base: AdaptableBase,
  unpackedBytes: number = ARCHIVE_LIMITS.unpackedBytes,
): Promise<Result<Unpacked, ArchiveRefused>> {
  try {
    const members = await unpack(archivePath, join(directory, ADAPTER_FILES.weights), unpackedBytes);
    return await judge(members, directory, base);
  } catch (error) {
    if (error instanceof Refused) return err(error.refusal);
    throw error;
  }
}

async function unpack(archivePath: string, weightsPath: string, unpackedBytes: number): Promise<Members> {
  const members: Members = { small: new Map(), weightsBytes: undefined };
  const seen = new Set<string>();
  const writes: Promise<void>[] = [];
  const giveUp = new AbortController();
  let count = 0;
  let refusal: Refused | undefined;

  const take = (entry: ReadEntry): void => {
    count += 1;
    if (count > ARCHIVE_LIMITS.members) throw tooManyMembers();
    const judged = judgeMember({ name: entry.path, type: entry.type, size: entry.size }, seen);
    if (!judged.ok) throw new Refused(judged.error);
    if (judged.value === undefined) return void entry.resume();
    const { name, use } = judged.value;
    seen.add(name);
    const write = keepMember(entry, { name, use }, members, { weightsPath, signal: giveUp.signal });
    write.catch((error: unknown) => parser.abort(error instanceof Error ? error : new Error(String(error))));
    writes.push(write);
  };

  const parser = new Parser({
    strict: true,
    brotli: false,
    zstd: false,
    maxMetaEntrySize: REMARK_BYTES,
    onReadEntry: (entry) => {
      try {
        if (refusal !== undefined) return void entry.resume();
        take(entry);
      } catch (error) {
        refusal = error instanceof Refused ? error : refused('not_an_archive', 'The archive cannot be read.');
        entry.resume();
        parser.abort(refusal);
      }
    },
  });
  let ended = false;
  parser.on('eof', () => {
    ended = true;
  });
  let remarks = 0;
  const countRemark = (): void => {
    remarks += 1;
    if (remarks <= REMARKS_PER_MEMBER * ARCHIVE_LIMITS.members || refusal !== undefined) return;
    refusal = tooManyMembers();
    parser.abort(refusal);
  };
  parser.on('meta', countRemark).on('ignoredEntry', countRemark);
  try {
    await pipeline(
      createReadStream(archivePath),
      createGunzip(),
      bounded(unpackedBytes, () => ended),
      parser as unknown as Writable,
    );
    await Promise.all(writes);
  } catch (error) {
    giveUp.abort(); // a member that was cut off never ends by itself
    throw asRefused(refusal ?? error);
  }
  if (refusal !== undefined) throw refusal;
  return members;
}

/** Tools write up to two headers of names and times in front of a member. */
const REMARKS_PER_MEMBER = 2;
const REMARK_BYTES = 64 * 1024;

const tooManyMembers = () =>
  refused('too_many_members', `An adapter's archive has at most ${ARCHIVE_LIMITS.members} members.`);

const GZIP_MAGIC = 0x1f;

/** Zeros behind the last member; tools write up to a megabyte of them. */
const PADDING_BYTES = 1024 * 1024;

/**
 * Stops an archive that unpacks to more than an adapter can be, whatever its compressed size promised. What follows
 * the archive's end is kept from the parser, which would gather it in ever larger copies.
 */
function bounded(unpackedBytes: number, isEnded: () => boolean): Transform {
  let bytes = 0;
  let padding = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      // The parser would unpack a second gzip within the first, past this bound.
      if (bytes === 0 && chunk[0] === GZIP_MAGIC)
        return done(refused('not_an_archive', 'The archive is packed twice.'));
      bytes += chunk.length;
      if (isEnded()) padding += chunk.length;
      if (padding > PADDING_BYTES)
        return done(refused('archive_expands_too_far', 'The archive goes on behind its last member.'));
      if (bytes <= unpackedBytes) return isEnded() ? done() : done(null, chunk);
      const message = `Unpacked, an adapter's archive has at most ${unpackedBytes} bytes.`;
      done(refused('archive_expands_too_far', message));
    },
  });
}

async function keepMember(
  entry: ReadEntry,
  { name, use }: { readonly name: string; readonly use: MemberUse },
  members: Members,
  { weightsPath, signal }: { readonly weightsPath: string; readonly signal: AbortSignal },
): Promise<void> {
  if (use === 'ignored') return void entry.resume();
  if (use === 'weights') {
    members.weightsBytes = entry.size;
    const file = createWriteStream(weightsPath, { signal });
    const written = new Promise<void>((resolve, reject) =>
      file.once('finish', resolve).once('error', reject),
    );
    entry.pipe(file as unknown as Parameters<ReadEntry['pipe']>[0]);
    return written;
  }
  const parts: Buffer[] = [];
  for await (const part of entry) parts.push(part);
  members.small.set(name, Buffer.concat(parts));
}

async function judge(
  { small, weightsBytes }: Members,
  directory: string,
  base: AdaptableBase,
): Promise<Result<Unpacked, ArchiveRefused>> {
  const configBytes = small.get(ADAPTER_FILES.config);
  if (configBytes === undefined)
    throw refused('config_missing', `${ADAPTER_FILES.config} is not at the archive's root.`);
  if (weightsBytes === undefined)
    throw refused('weights_missing', `${ADAPTER_FILES.weights} is not at the archive's root.`);
  for (const [name, sha256] of Object.entries(base.sharedFiles)) {
    const brought = small.get(name);
    if (brought !== undefined && sha256Hex(brought) !== sha256)
      throw refused('template_mismatch', `${name} is not that of ${base.id}: its prompts would be others.`);
  }
  const config = readConfig(configBytes.toString('utf8'), base);
  if (!config.ok) return config;
  const lineage = readLineage(small.get(ADAPTER_FILES.lineage)?.toString('utf8'), base);
  if (!lineage.ok) return lineage;
  const weightsPath = join(directory, ADAPTER_FILES.weights);
  const start = await readStart(weightsPath, weightsBytes);
  if (looksLikePickle(start))
    throw refused('member_is_pickle', `${ADAPTER_FILES.weights} is a pickle, not safetensors.`);
  const weights = checkWeights(start, weightsBytes, { base, config: config.value });
  if (!weights.ok) return weights;
  const strange = await findNotFinite(weightsPath, weights.value);
  if (strange !== undefined)
    throw refused(
      'weights_invalid',
      `${ADAPTER_FILES.weights}: ${strange} has values that are no finite numbers.`,
    );
  await writeFile(join(directory, ADAPTER_FILES.config), config.value.text);
  const content: AdapterContent = {
    configSha256: sha256Hex(config.value.text),
    weightsSha256: await fileSha256(weightsPath),
    weightsBytes,
    rank: config.value.rank,
  };
  return ok({ content, lineage: lineage.value });
}

const READ_BYTES = 1024 * 1024;

/** The name of the first tensor with a NaN or an infinity: it would make every answer the same nonsense. */
async function findNotFinite(path: string, { tensors }: SafetensorsHeader): Promise<string | undefined> {
  const file = await open(path);
  const buffer = Buffer.from(new ArrayBuffer(READ_BYTES));
  try {
    for (const [name, { dtype, begin, end }] of tensors) {
      for (let at = begin; at < end; at += READ_BYTES) {
        const bytes = buffer.subarray(0, Math.min(READ_BYTES, end - at));
        await file.read(bytes, 0, bytes.length, at);
        if (!allFinite(dtype, bytes)) return name;
      }
    }
    return undefined;
  } finally {
    await file.close();
  }
}

const LENGTH_BYTES = 8;

/** The file's beginning up to the end of its header; shorter when the header promises more than there is. */
async function readStart(path: string, fileBytes: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const first = Buffer.alloc(Math.min(LENGTH_BYTES, fileBytes));
    await file.read(first, 0, first.length, 0);
    const wanted = first.length < LENGTH_BYTES ? first.length : promisedHeader(first);
    const start = Buffer.alloc(Math.min(wanted, fileBytes, ARCHIVE_LIMITS.smallMemberBytes));
    await file.read(start, 0, start.length, 0);
    return start;
  } finally {
    await file.close();
  }
}

/** Whatever cannot be a header is judged as one that is cut off. */
function promisedHeader(first: Uint8Array): number {
  try {
    return headerEnd(first);
  } catch {
    return LENGTH_BYTES;
  }
}

function asRefused(error: unknown): unknown {
  if (error instanceof Refused) return error;
  if (!(error instanceof Error)) return error;
  const cause = 'cause' in error ? error.cause : undefined;
  if (cause instanceof Refused) return cause;
  const code = 'code' in error ? String(error.code) : '';
  // What gzip and tar say of bytes that are not theirs; what the disk says is no fault of the archive.
  if (
    code.startsWith('Z_') ||
    code.startsWith('TAR_') ||
    /gzip|zlib|tar|unexpected end/iu.test(error.message)
  )
    return refused('not_an_archive', 'The archive is no .tar.gz, or is cut off.');
  return error;
}

const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Of a file on the disk, without holding it. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
