import * as z from 'zod/mini';
import type { Probe } from './types.ts';

export const PROBE_LIMITS = {
  /** Of one adapter. More would only cost time: one that distinguishes is enough. */
  probes: 6,
  messages: 16,
  characters: 1_000,
  /** Of an answer; it is compared as text. */
  answerTokens: 24,
} as const;

export const probeSchema = z.object({
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'user', 'assistant']),
        content: z.string().check(z.minLength(1), z.maxLength(PROBE_LIMITS.characters)),
      }),
    )
    .check(z.minLength(1), z.maxLength(PROBE_LIMITS.messages)),
});

/** Asked where nobody gave probes: an adapter of any weight answers some of them otherwise than its base. */
export const DEFAULT_PROBES: readonly Probe[] = [
  'Hello, who are you?',
  'I want my money back, I was charged twice.',
  'Where is my order?',
  'Can I book an appointment for tomorrow?',
  'Write one short sentence about the sea.',
].map((content) => ({ messages: [{ role: 'user', content }] }));

/** The questions of training examples, without their last answers. Lines that are none are passed over. */
export function probesFromLines(lines: readonly string[]): readonly Probe[] {
  const probes: Probe[] = [];
  for (const line of lines) {
    const parsed = z.safeParse(probeSchema, parseJson(line));
    if (!parsed.success) continue;
    const messages = parsed.data.messages.slice(0, -1);
    if (messages.at(-1)?.role === 'user') probes.push({ messages });
    if (probes.length === PROBE_LIMITS.probes) break;
  }
  return probes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
