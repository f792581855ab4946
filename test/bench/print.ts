import type { Times } from './statistics.ts';

export const ms = (value: number): string =>
  `${value.toFixed(Math.abs(value) < 0.1 ? 4 : 2)} ms`.padStart(11);
export const line = (name: string, text: string): void => console.log(`${name.padEnd(44)}${text}`);
export const times = (of: Times): string => `p50 ${ms(of.p50)}   p99 ${ms(of.p99)}   (${of.count} runs)`;
/** A rate or a count, in whole numbers. */
export const whole = (value: number): string => value.toFixed(0).padStart(11);
