/** Divides and rounds up, exactly: a remainder of safe integers is exact, and so is what is left without it. */
export function divideUpSafely(dividend: number, divisor: number): number {
  const rest = dividend % divisor;
  return (dividend - rest) / divisor + (rest === 0 ? 0 : 1);
}
