import * as z from 'zod/mini';
import type { Probe } from './types.ts';

export const PROBE_LIMITS = {
  /** Of one adapter. More would only cost time: one that distinguishes is enough. */
  probes: 6,
  /** Small enough for an adapter's record with whatever characters they are written in. */
  messages: 6,
  characters: 1_000,
  /** Of an answer; it is compared as text. */
  answerTokens: 24,
} as const;

const probeMessage = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string().check(z.minLength(1), z.maxLength(PROBE_LIMITS.characters)),
});
export const probeSchema = z.object({
  messages: z.array(probeMessage).check(z.minLength(1), z.maxLength(PROBE_LIMITS.messages)),
});
const Example = z.object({ messages: z.array(probeMessage) });

/** Asked where nobody gave probes: an adapter of any weight answers some of them otherwise than its base. */
export const DEFAULT_PROBES: readonly Probe[] = [
  'Hello, who are you?',
  'I want my money back, I was charged twice.',
  'Where is my order?',
  'Can I book an appointment for tomorrow?',
  'Write one short sentence about the sea.',
].map((content) => ({ messages: [{ role: 'user', content }] }));

/** The questions of training examples, without their last answers; of a long talk, its end. Other lines are passed over. */
export function probesFromLines(lines: readonly string[]): readonly Probe[] {
  const probes: Probe[] = [];
  for (const line of lines) {
    const parsed = z.safeParse(Example, parseJson(line));
    if (!parsed.success) continue;
    const messages = parsed.data.messages.slice(0, -1).slice(-PROBE_LIMITS.messages);
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
