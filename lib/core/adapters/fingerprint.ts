import { err, ok, type Result } from '#core/shared/result.ts';
import type { ProbeAnswer } from './ports.ts';
import type { Fingerprint } from './types.ts';

/** Of a probe: what the base answered once, and what the adapter answered each time. */
export type ProbeReplies = { readonly base: string; readonly adapter: readonly ProbeAnswer[] };

/**
 * The first answers to each probe are asked for one after another: engines round what they compute together otherwise
 * in the last digit, so these are the words of a call that shares the engine with nobody. Twice, so that chance is seen.
 */
export const ASKED_ALONE = 2;

export type NotProven = {
  readonly code: 'base_answered' | 'not_distinct' | 'says_nothing' | 'answers_differ';
  readonly message: string;
};

/** How sure we are to have asked a copy, when calls are spread over them evenly: one in a million is missed. */
const MISSED_COPY = 1e-6;
/** Of answers that distinguish, so many must be as expected: copies may round differently in the last digit. */
const AGREEING_SHARE = 0.75;

/**
 * How often to ask an adapter so that each of its copies was asked, because nobody can ask one copy by name.
 * (1 − 1/copies)^asks ≤ one in a million for each copy: 20 asks for 2 copies, 49 for 4, 132 for 10.
 * This is a proof by chance, as good as the endpoint spreads its calls. Never fewer than `ASKED_ALONE` a probe.
 */
export function asksNeeded(copies: number, probes: number): number {
  const spread = copies <= 1 ? 0 : Math.ceil(Math.log(MISSED_COPY) / Math.log(1 - 1 / copies));
  return Math.max(spread, ASKED_ALONE * probes);
}

/**
 * Judges whether an adapter answered, and not its base, nor another adapter. A probe distinguishes when the adapter's
 * known answer, or any of its answers now, is not the base's; the base's answer to such a probe is proof against it.
 * Errors: base_answered, not_distinct (no probe tells them apart), says_nothing (to any probe, though the base does),
 * answers_differ (not as when it was proven first).
 */
export function judgeReplies(
  replies: readonly ProbeReplies[],
  known: Pick<Fingerprint, 'answers'> | null,
  names: readonly string[],
): Result<Pick<Fingerprint, 'answers' | 'baseAnswers' | 'asked'>, NotProven> {
  const misnamed = replies
    .flatMap(({ adapter }) => adapter)
    .find(({ model }) => model === null || !names.includes(model));
  if (misnamed !== undefined)
    return refused('base_answered', `${misnamed.model ?? 'nothing named'} answered in the adapter's place.`);

  const expected = replies.map(
    ({ adapter }, at) => known?.answers[at] ?? mostFrequent(adapter.slice(0, ASKED_ALONE)),
  );
  const telling = replies.flatMap(({ base, adapter }, at) => {
    const answers = adapter.map(({ text }) => text);
    const differs = expected[at] !== base || answers.some((text) => text !== base);
    return differs ? [{ base, answers, expected: expected[at] }] : [];
  });
  if (telling.length === 0)
    return refused(
      'not_distinct',
      'The adapter answers every probe as its base does: give probes that it was trained for.',
    );
  if (replies.every(({ adapter }) => adapter.every(({ text }) => text === '')))
    return refused('says_nothing', 'The adapter answers every probe with nothing: its weights are broken.');
  const lapse = telling.find(({ base, answers }) => answers.includes(base));
  if (lapse !== undefined)
    return refused('base_answered', 'The base answered in the adapter’s place, on one copy at least.');
  const answers = telling.flatMap((probe) => probe.answers.map((text) => text === probe.expected));
  const agreeing = answers.filter((agrees) => agrees).length;
  if (agreeing < AGREEING_SHARE * answers.length)
    return refused('answers_differ', `Only ${agreeing} of ${answers.length} answers were the adapter's own.`);
  return ok({
    answers: expected,
    baseAnswers: replies.map(({ base }) => base),
    asked: replies.reduce((sum, { adapter }) => sum + adapter.length, 0),
  });
}

function mostFrequent(answers: readonly ProbeAnswer[]): string {
  const counts = new Map<string, number>();
  for (const { text } of answers) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

const refused = (code: NotProven['code'], message: string) => err<NotProven>({ code, message });
