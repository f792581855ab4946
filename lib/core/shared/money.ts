declare const microCredits: unique symbol;

/** An amount in millionths of a credit: a safe integer, signed. 1 credit = 1,000,000 µcr. */
export type MicroCredits = number & { readonly [microCredits]: true };

const MICRO_PER_CREDIT = 1_000_000;
const DECIMAL_CREDITS = /^([+-]?)(\d{1,9})(?:\.(\d{1,6}))?$/;

/** Brands an integer as µcr. Throws on a fraction or beyond ±2^53: either is a bug in the caller. */
export function micro(value: number): MicroCredits {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not an integer amount of micro-credits: ${value}`);
  return (value === 0 ? 0 : value) as MicroCredits;
}

export const ZERO = micro(0);

/** Writes µcr as the decimal string of credits that the API speaks: 12_345_678 → "12.345678", 5_000_000 → "5". */
export function formatCredits(amount: MicroCredits): string {
  const sign = amount < 0 ? '-' : '';
  const abs = Math.abs(amount);
  const whole = Math.floor(abs / MICRO_PER_CREDIT);
  const fraction = String(abs % MICRO_PER_CREDIT)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/** Reads a decimal string of credits, at most nine whole and six fractional digits; undefined when it is not one. */
export function parseCredits(text: string): MicroCredits | undefined {
  const match = DECIMAL_CREDITS.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '0', fraction = ''] = match;
  const abs = Number(whole) * MICRO_PER_CREDIT + Number(fraction.padEnd(6, '0'));
  return micro(sign === '-' ? -abs : abs);
}

export const addMicro = (a: MicroCredits, b: MicroCredits): MicroCredits => micro(a + b);
export const subtractMicro = (a: MicroCredits, b: MicroCredits): MicroCredits => micro(a - b);
export const minMicro = (a: MicroCredits, b: MicroCredits): MicroCredits => (a < b ? a : b);
export const maxMicro = (a: MicroCredits, b: MicroCredits): MicroCredits => (a > b ? a : b);
