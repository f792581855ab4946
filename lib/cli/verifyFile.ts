import { verifyStatement } from '#core/statements/verifyStatement.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { sealKeyId, verifySealSignature } from '#io/sealCrypto.ts';
import { CliError } from './cliError.ts';

export type VerifyOptions = {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly trusted: readonly string[] | undefined;
  readonly json: boolean;
  readonly write: (text: string) => void;
};

/** A header has a few hundred bytes for each line of each seal. */
const MAX_LINE_CHARS = 64_000_000;

/** Checks a statement file and says what is wrong with it. True when nothing is. */
export async function verifyFile(name: string, options: VerifyOptions): Promise<boolean> {
  const { header, receipts, problems } = await verifyStatement(linesOf(name, options.bytes), {
    sha256: nodeCrypto.sha256Hex,
    verifySignature: verifySealSignature,
    keyIdOf: sealKeyId,
    nowMs: Date.now(),
    trusted: options.trusted,
  });
  const last = header?.seals.at(-1)?.seal;
  const summary = {
    file: name,
    valid: problems.length === 0,
    tenant: header?.tenantId ?? null,
    month: header?.month ?? null,
    sealed_until: last?.to ?? null,
    receipts,
    public_keys: header?.keys.map(({ publicKey }) => publicKey) ?? [],
    key_is_known: options.trusted !== undefined,
    problems,
  };
  options.write(options.json ? `${JSON.stringify(summary, null, 2)}\n` : inWords(summary));
  return summary.valid;
}

type Summary = {
  readonly valid: boolean;
  readonly tenant: string | null;
  readonly month: string | null;
  readonly sealed_until: string | null;
  readonly receipts: number;
  readonly public_keys: readonly string[];
  readonly key_is_known: boolean;
  readonly problems: readonly { readonly message: string }[];
};

function inWords(summary: Summary): string {
  if (!summary.valid) {
    const list = summary.problems.map(({ message }) => `  ${message}\n`).join('');
    return `NOT VALID\n${list}`;
  }
  const keys = summary.public_keys.join(' ');
  const trust = summary.key_is_known
    ? ''
    : `The key was taken from the file itself. Compare it with the agency's: ${keys}\n`;
  return `valid: ${summary.tenant}, ${summary.month}, ${summary.receipts} receipts, sealed until ${summary.sealed_until}\n${trust}`;
}

/** The file's lines, exactly: what is not UTF-8, or a last line without its end, is no line that was written. */
async function* linesOf(name: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = '';
  try {
    for await (const chunk of bytes) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      if (rest.length > MAX_LINE_CHARS) throw new RangeError('a line is too long');
      yield* parts;
    }
    rest += decoder.decode();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError)
      throw new CliError('refused', `${name} is no statement file: it is not text as it was written`);
    throw unreadable(name, error);
  }
  if (rest !== '') yield `${rest}\r`; // no line ends so
}

const unreadable = (name: string, error: unknown): CliError =>
  new CliError('usage', `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
