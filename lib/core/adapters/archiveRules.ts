import { err, ok, type Result } from '#core/shared/result.ts';

/** Sizes of archives. An adapter of rank 32 on a base of 8 billion parameters has 170 MB in 16 bits. */
export const ARCHIVE_LIMITS = {
  archiveBytes: 400 * 1024 * 1024,
  /** Unpacked, every member together. */
  unpackedBytes: 600 * 1024 * 1024,
  members: 32,
  /** Everything but the weights. */
  smallMemberBytes: 16 * 1024 * 1024,
  nameCharacters: 255,
} as const;

/** What an archive is refused for. The codes are an interface: people and programs rely on them. */
export type ArchiveCode =
  | 'not_an_archive'
  | 'archive_too_large'
  | 'archive_expands_too_far'
  | 'too_many_members'
  | 'member_outside'
  | 'member_not_a_file'
  | 'member_forbidden'
  | 'member_is_pickle'
  | 'member_twice'
  | 'member_too_large'
  | 'config_missing'
  | 'weights_missing'
  | 'config_invalid'
  | 'adapter_unsupported'
  | 'weights_invalid'
  | 'tensor_unexpected'
  | 'tensor_missing'
  | 'shape_mismatch'
  | 'rank_unsupported'
  | 'base_unknown'
  | 'base_mismatch'
  | 'template_mismatch'
  | 'lineage_invalid';

export type ArchiveRefused = { readonly code: ArchiveCode; readonly message: string };

/** PEFT's two files, and where an adapter comes from as its trainer tells it. */
export const ADAPTER_FILES = {
  config: 'adapter_config.json',
  weights: 'adapter_model.safetensors',
  lineage: 'lineage.json',
} as const;

/** What is done with a member: kept to serve or to read, compared with the base's own file, or left out. */
export type MemberUse = 'weights' | 'small' | 'compared' | 'ignored';

/** The only members that an archive may have. Nothing of the last five is ever served. */
const ALLOWED: Readonly<Record<string, MemberUse>> = {
  [ADAPTER_FILES.config]: 'small',
  [ADAPTER_FILES.weights]: 'weights',
  [ADAPTER_FILES.lineage]: 'small',
  'tokenizer.json': 'compared',
  'chat_template.jinja': 'compared',
  'evaluation.json': 'ignored',
  'tokenizer_config.json': 'ignored',
  'special_tokens_map.json': 'ignored',
  'added_tokens.json': 'ignored',
  'README.md': 'ignored',
};

const PICKLES = /\.(bin|pt|pth|pkl|pickle|ckpt|joblib|npy|npz)$/i;

export type Member = { readonly name: string; readonly type: string; readonly size: number };

/**
 * Whether a member may be in an adapter's archive, from its header alone. Undefined: a folder that holds nothing of
 * its own (`./`). Every refusal is of the whole archive: whoever packs something strange is not trusted with the rest.
 */
export function judgeMember(
  member: Member,
  seen: ReadonlySet<string>,
): Result<{ readonly name: string; readonly use: MemberUse } | undefined, ArchiveRefused> {
  const shown = printable(member.name);
  if (member.name.length > ARCHIVE_LIMITS.nameCharacters || leavesRoot(member.name)) {
    return refuse('member_outside', `${shown} would be written outside the adapter's folder.`);
  }
  const name = member.name.replace(/^(?:\.\/)+/u, '');
  if (member.type === 'Directory' && (name === '' || name === '.')) return ok(undefined);
  if (member.type !== 'File' && member.type !== 'OldFile') {
    return refuse(
      'member_not_a_file',
      `${shown} is a ${printable(member.type)}: only plain files are taken.`,
    );
  }
  if (PICKLES.test(name)) {
    return refuse(
      'member_is_pickle',
      `${shown} could run code when it is loaded. Save the adapter as safetensors.`,
    );
  }
  const use = Object.hasOwn(ALLOWED, name) ? ALLOWED[name] : undefined;
  if (use === undefined) {
    return refuse('member_forbidden', `${shown} is not a file of an adapter. Leave it out.`);
  }
  if (seen.has(name)) return refuse('member_twice', `${shown} is in the archive more than once.`);
  if (member.size > ARCHIVE_LIMITS.unpackedBytes) {
    return refuse('archive_expands_too_far', `${shown} has more bytes than an adapter can have.`);
  }
  if (use !== 'weights' && member.size > ARCHIVE_LIMITS.smallMemberBytes) {
    return refuse('member_too_large', `${shown} has ${member.size} bytes, more than such a file may have.`);
  }
  return ok({ name, use });
}

/** Absolute, of another drive, or with a step upwards; and names that hide something behind a null byte. */
const leavesRoot = (name: string): boolean =>
  name.startsWith('/') ||
  /^[a-z]:/iu.test(name) ||
  name.includes('\\') ||
  name.includes('\0') ||
  name.split('/').includes('..');

/** The first bytes of what pickles and zipped checkpoints begin with; safetensors begin with a small length. */
export const looksLikePickle = (start: Uint8Array): boolean =>
  (start[0] === 0x80 && (start[1] ?? 0) <= 5 && (start[7] ?? 0) !== 0) ||
  (start[0] === 0x50 && start[1] === 0x4b);

export const refuse = (code: ArchiveCode, message: string) => err<ArchiveRefused>({ code, message });

const SHOWN_CHARACTERS = 80;
/** A name from outside, fit for a message. */
const printable = (text: string): string =>
  JSON.stringify(text.slice(0, SHOWN_CHARACTERS).replace(/[^\x20-\x7e]/gu, '?'));
