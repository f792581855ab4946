import { canonicalJson } from './canonicalJson.ts';
import { lineOf, makeLineSum } from './lines.ts';
import { parseCanonical } from './parseCanonical.ts';
import type { Sha256Hex } from './ports.ts';
import { hashOf } from './receipts.ts';
import { type Receipt, receiptSchema, type Seal } from './types.ts';
import type { Report } from './verifyStatement.ts';

type Range = { readonly from: number; readonly to: number };

/**
 * Walks along a statement's receipts, one line at a time, and reports what was changed, left out, added or moved.
 * Memory is bounded by the lines of one seal and by what is wrong.
 */
export function makeReceiptWalk(seals: readonly Seal[], sha256: Sha256Hex, report: Report) {
  const [first] = seals;
  let head: { sequence: number; hash: string | undefined } = {
    sequence: (first?.firstSequence ?? 1) - 1,
    hash: first?.previousHash,
  };
  let missing: readonly Range[] = [];
  let open = 0;
  let sum = makeLineSum();
  let isWhole = true;
  const wrong = (code: Parameters<Report>[0]['code'], message: string): void => {
    isWhole = false;
    report({ code, message });
  };

  /** Ends every seal whose receipts have gone by, and holds them against what was signed. */
  const closeSeals = (sequence: number): void => {
    for (let seal = seals[open]; seal !== undefined && lastOf(seal) < sequence; seal = seals[++open]) {
      if (isWhole && head.hash !== seal.headHash)
        wrong('forged', `${rangeOf(seal)}: made anew, not as signed`);
      if (isWhole && canonicalJson(seal.lines) !== canonicalJson([...sum.lines()]))
        wrong('forged', `${rangeOf(seal)}: do not add up to the lines of seal ${seal.number}`);
      sum = makeLineSum();
    }
  };

  const checkPlace = (receipt: Receipt, at: string): void => {
    const { sequence } = receipt;
    const expected = head.sequence + 1;
    if (sequence < expected) {
      const found = missing.some(({ from, to }) => from <= sequence && sequence <= to);
      missing = missing.flatMap((range) => without(range, sequence));
      wrong(
        found ? 'moved' : 'added',
        `${at}: receipt ${sequence} ${found ? 'stands out of order' : 'is there a second time'}`,
      );
      return;
    }
    if (sequence > expected) {
      missing = [...missing, { from: expected, to: sequence - 1 }];
      isWhole = false;
    } else if (head.hash !== undefined && receipt.previousHash !== head.hash) {
      wrong('changed', `${at}: receipt ${sequence} does not follow what stands before it: one was changed`);
    }
    closeSeals(sequence);
    sum.add(lineOf(receipt));
    head = receipt;
    if (seals[open] === undefined) wrong('added', `${at}: receipt ${sequence} is in no seal`);
  };

  return {
    add: (text: string, lineNumber: number): void => {
      const at = `line ${lineNumber}`;
      const receipt = parseCanonical(text, receiptSchema);
      if (receipt === undefined) {
        wrong('changed', `${at}: is no receipt as it was written (receipt ${head.sequence + 1} is expected)`);
        head = { sequence: head.sequence + 1, hash: undefined };
        return;
      }
      const { hash, ...facts } = receipt;
      if (hashOf(facts, sha256) !== hash) wrong('changed', `${at}: receipt ${receipt.sequence} was changed`);
      if (receipt.tenantId !== first?.tenantId)
        wrong('added', `${at}: receipt ${receipt.sequence} is another tenant's`);
      checkPlace(receipt, at);
    },
    finish: (): void => {
      const end = seals.at(-1);
      const last = end === undefined ? 0 : lastOf(end);
      if (head.sequence < last) missing = [...missing, { from: head.sequence + 1, to: last }];
      for (const { from, to } of missing) {
        wrong(
          'missing',
          from === to ? `receipt ${from} is missing` : `receipts ${from} to ${to} are missing`,
        );
      }
      closeSeals(last + 1);
    },
  };
}

const lastOf = (seal: Seal): number => seal.firstSequence + seal.receipts - 1;
const rangeOf = (seal: Seal): string => `receipts ${seal.firstSequence} to ${lastOf(seal)}`;

const without = ({ from, to }: Range, sequence: number): readonly Range[] =>
  sequence < from || sequence > to
    ? [{ from, to }]
    : [
        { from, to: sequence - 1 },
        { from: sequence + 1, to },
      ].filter((range) => range.from <= range.to);
