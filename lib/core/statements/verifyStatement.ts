import { parseCanonical } from './parseCanonical.ts';
import { parseMonth } from './periods.ts';
import type { Sha256Hex, VerifySignature } from './ports.ts';
import { headerSchema, type StatementHeader } from './statementFile.ts';
import type { Seal } from './types.ts';
import { makeReceiptWalk } from './verifyReceipts.ts';
import { verifySeals } from './verifySeals.ts';

/** One thing that is wrong with a statement, in words that name the receipt or seal. */
export type Problem = {
  readonly code: 'changed' | 'missing' | 'added' | 'moved' | 'forged' | 'unsigned' | 'unknown_key';
  readonly message: string;
};

export type Report = (problem: Problem) => void;

export type Verified = {
  readonly header: StatementHeader | undefined;
  readonly receipts: number;
  /** At most `MAX_PROBLEMS`. */
  readonly problems: readonly Problem[];
};

export type VerifyDeps = {
  readonly sha256: Sha256Hex;
  readonly verifySignature: VerifySignature;
  readonly keyIdOf: (publicKey: string) => string;
  readonly nowMs: number;
  /** The agency's keys as the reader knows them; undefined: the keys in the file are taken at their word. */
  readonly trusted: readonly string[] | undefined;
};

export const MAX_PROBLEMS = 20;
/** By when a month that is over is sealed to its end, even after a bad day. */
const ISSUED_AFTER_MS = 2 * 86_400_000;

/**
 * Checks a statement file by itself, line by line: what it says against its receipts, the receipts against their
 * chain, the chain against the agency's signatures. Every change of any byte is a problem.
 */
export async function verifyStatement(lines: AsyncIterable<string>, deps: VerifyDeps): Promise<Verified> {
  const problems: Problem[] = [];
  const report: Report = (problem) => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  let header: StatementHeader | undefined;
  let walk: ReturnType<typeof makeReceiptWalk> | undefined;
  let lineNumber = 0;
  for await (const text of lines) {
    lineNumber += 1;
    if (walk !== undefined) {
      walk.add(text, lineNumber);
      continue;
    }
    header = parseCanonical(text, headerSchema);
    if (header === undefined) break;
    verifySeals(header, deps, report);
    verifyTrust(header, deps, report);
    walk = makeReceiptWalk(
      header.seals.map(({ seal }) => seal) satisfies readonly Seal[],
      deps.sha256,
      report,
    );
  }
  if (header === undefined)
    report({ code: 'changed', message: 'line 1: is no beginning of a statement as it was written' });
  walk?.finish();
  return { header, receipts: Math.max(lineNumber - 1, 0), problems };
}

function verifyTrust(header: StatementHeader, { trusted, nowMs }: VerifyDeps, report: Report): void {
  for (const { publicKey, id } of header.keys) {
    if (trusted !== undefined && !trusted.includes(publicKey))
      report({ code: 'unknown_key', message: `the key ${id} is none of those that were given` });
  }
  const endMs = parseMonth(header.month)?.toMs ?? 0;
  const last = header.seals.at(-1)?.seal;
  if (last !== undefined && Date.parse(last.to) < endMs && nowMs > endMs + ISSUED_AFTER_MS)
    report({
      code: 'missing',
      message: `the month is over, and what came after ${last.to} is missing: ask for the file again`,
    });
}
