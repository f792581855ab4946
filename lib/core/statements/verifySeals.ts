import { addMicro } from '#core/shared/money.ts';
import { parseMonth } from './periods.ts';
import type { VerifySignature } from './ports.ts';
import { sealText } from './sealText.ts';
import type { StatementHeader } from './statementFile.ts';
import type { Seal, SealKey } from './types.ts';
import type { Report } from './verifyStatement.ts';

/** Checks that a statement's seals are signed, follow one another without a gap, and belong to its tenant and month. */
export function verifySeals(
  header: StatementHeader,
  deps: { readonly verifySignature: VerifySignature; readonly keyIdOf: (publicKey: string) => string },
  report: Report,
): void {
  verifyKeys(header, deps.keyIdOf, report);
  const keys = new Map(header.keys.map((key) => [key.id, key.publicKey]));
  let previous: Seal | undefined;
  for (const { seal, keyId, signature } of header.seals) {
    const publicKey = keys.get(keyId);
    const name = `seal ${seal.number}`;
    if (publicKey === undefined)
      report({ code: 'unsigned', message: `${name}: its key ${keyId} is not given` });
    else if (!deps.verifySignature({ publicKey, text: sealText(seal), signature }))
      report({ code: 'forged', message: `${name}: its signature is not of what it says` });
    if (seal.tenantId !== header.tenantId) report({ code: 'forged', message: `${name} is another tenant's` });
    verifySum(seal, report);
    if (previous !== undefined && !follows(previous, seal))
      report({
        code: 'missing',
        message: `${name} does not follow seal ${previous.number}: seals are missing or moved`,
      });
    previous = seal;
  }
  verifyMonth(header, report);
}

/** A key that signs nothing here, or goes by another's id, was put in by somebody. */
function verifyKeys(
  { keys, seals }: StatementHeader,
  keyIdOf: (publicKey: string) => string,
  report: Report,
): void {
  const used = new Set(seals.map(({ keyId }) => keyId));
  for (const { id, publicKey } of keys satisfies readonly SealKey[]) {
    if (!used.delete(id) || keyIdOf(publicKey) !== id)
      report({ code: 'forged', message: `the key ${id} does not belong to this statement` });
  }
}

function verifySum(seal: Seal, report: Report): void {
  const sum = seal.lines.reduce((total, { amountMicro }) => addMicro(total, amountMicro), seal.openingMicro);
  if (sum !== seal.closingMicro)
    report({
      code: 'forged',
      message: `seal ${seal.number}: opening and lines do not make its closing balance`,
    });
}

const follows = (a: Seal, b: Seal): boolean =>
  b.number === a.number + 1 &&
  b.from === a.to &&
  b.firstSequence === a.firstSequence + a.receipts &&
  b.previousHash === a.headHash &&
  b.openingMicro === a.closingMicro;

/** The first seal begins the month, or the book. */
function verifyMonth({ month, seals }: StatementHeader, report: Report): void {
  const period = parseMonth(month);
  const [first] = seals;
  const last = seals.at(-1);
  if (first === undefined || last === undefined || period === undefined) {
    report({ code: 'missing', message: 'there is no seal: nothing of this month is proven' });
    return;
  }
  const [fromMs, toMs] = [Date.parse(first.seal.from), Date.parse(last.seal.to)];
  if (fromMs < period.fromMs || toMs > period.toMs)
    report({ code: 'forged', message: `the seals are not of ${month}` });
  else if (fromMs !== period.fromMs && first.seal.number !== 1)
    report({ code: 'missing', message: `the seals before seal ${first.seal.number} are missing` });
}
