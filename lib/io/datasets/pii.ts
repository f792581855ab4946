import isCreditCard from 'validator/lib/isCreditCard.js';
import isEmail from 'validator/lib/isEmail.js';
import isIP from 'validator/lib/isIP.js';
import type { PiiMatch } from '#core/datasets/ports.ts';
import type { PiiKind } from '#core/datasets/types.ts';

type Detector = {
  readonly kind: PiiKind;
  readonly candidate: RegExp;
  readonly accept: (text: string) => boolean;
};

const digitsOf = (text: string): string => text.replace(/\D/g, '');

/**
 * A pattern finds candidates, bounded in length so that no text makes it slow; then they are confirmed by
 * their rules: checksums of cards (Luhn) and of IBANs (ISO 7064), the grammar of addresses. Phone numbers have no
 * checksum: they must begin with + or 0, or be written with separators, and have 9 to 15 digits. In order of precedence.
 */
const DETECTORS: readonly Detector[] = [
  {
    kind: 'email',
    candidate: /(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}/giu,
    accept: (text) => isEmail.default(text),
  },
  {
    kind: 'iban',
    candidate: /(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Z0-9])/gu,
    accept: hasIbanChecksum,
  },
  {
    kind: 'card',
    candidate: /(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d-])/gu,
    accept: (text) => isCreditCard.default(digitsOf(text)),
  },
  {
    kind: 'ipv4',
    candidate: /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)/gu,
    accept: (text) => isIP.default(text, 4),
  },
  {
    kind: 'phone',
    candidate:
      /(?<![\w+.,-])(?:\+\d|\(?0\d|\(\d|\d(?=\d{2}[ .-]\d{3}[ .-]\d{4}))(?:[ ()./-]{0,2}\d){6,14}(?![\w-])/gu,
    accept: (text) => digitsOf(text).length >= 9 && digitsOf(text).length <= 15,
  },
];

/** Without one of these no detector can match, and most texts have none. */
const WORTH_LOOKING = /@|\d{2}/;

/** Finds what looks like personal data, without overlaps, in the order of the text. */
export function findPii(text: string): readonly PiiMatch[] {
  if (!WORTH_LOOKING.test(text)) return [];
  const found: PiiMatch[] = [];
  for (const { kind, candidate, accept } of DETECTORS) {
    for (const match of text.matchAll(candidate)) {
      const [start, end] = [match.index, match.index + match[0].length];
      if (found.some((other) => start < other.end && other.start < end)) continue;
      if (accept(match[0])) found.push({ kind, start, end });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

/** ISO 13616: with the first four characters at the end and letters as 10 to 35, the number leaves 1 on division by 97. */
function hasIbanChecksum(text: string): boolean {
  const plain = text.replaceAll(' ', '');
  let remainder = 0;
  for (const character of plain.slice(4) + plain.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}
