import * as z from 'zod/mini';
import { stableHash } from '#core/shared/stableHash.ts';
import type { EngineChunk } from './ports.ts';
import type { Delta, FinishedChoice, ToolCall, ToolCallDelta } from './types.ts';

type Choice = { content: string | null; toolCalls: Map<number, ToolCall>; finishReason: string | null };

/** What an engine has answered so far, added up chunk by chunk. */
export type Tally = {
  readonly choices: Map<number, Choice>;
  usage: EngineChunk['usage'];
  /** Deltas that carried something; a count of tokens of last resort. */
  deltas: number;
};

export const emptyTally = (): Tally => ({ choices: new Map(), usage: null, deltas: 0 });

/** An engine's delta, as far as a client may see it. `text` is what engines call it on `/completions`. */
const EngineDelta = z.object({
  content: z.nullish(z.string()),
  text: z.nullish(z.string()),
  tool_calls: z.nullish(
    z.array(
      z.object({
        index: z.optional(z.int()),
        id: z.nullish(z.string()),
        type: z.nullish(z.string()),
        function: z.optional(z.object({ name: z.nullish(z.string()), arguments: z.nullish(z.string()) })),
      }),
    ),
  ),
});
type EngineToolCall = NonNullable<z.infer<typeof EngineDelta>['tool_calls']>[number];

/** Adds a chunk, and returns what of it a client is shown. Chunks that say nothing new give no delta. */
export function addChunk(
  tally: Tally,
  chunk: EngineChunk,
): readonly { readonly index: number; readonly delta: Delta }[] {
  if (chunk.usage !== null) tally.usage = chunk.usage;
  const shown: { index: number; delta: Delta }[] = [];
  for (const part of chunk.choices) {
    const choice = choiceAt(tally, part.index);
    const delta = readDelta(part.delta);
    if (delta.content !== undefined) choice.content = (choice.content ?? '') + delta.content;
    for (const call of delta.toolCalls ?? []) addToolCall(choice, call);
    if (part.finishReason !== null) choice.finishReason = part.finishReason;
    if (delta.content === undefined && delta.toolCalls === undefined) continue;
    tally.deltas += 1;
    shown.push({ index: part.index, delta });
  }
  return shown;
}

/** Whether the engine has begun to answer: text, a tool call, or the end of an empty answer. */
export const hasBegun = (tally: Tally): boolean =>
  tally.deltas > 0 || [...tally.choices.values()].some((choice) => choice.finishReason !== null);

/** Whether each of the choices that were asked for has said why it ended. */
export const isComplete = (tally: Tally, choices: number): boolean =>
  tally.choices.size >= choices &&
  [...tally.choices.values()].every((choice) => choice.finishReason !== null);

export const finishedChoices = (tally: Tally): readonly FinishedChoice[] =>
  [...tally.choices]
    .sort(([a], [b]) => a - b)
    .map(([index, choice]) => ({
      index,
      content: choice.content,
      toolCalls: [...choice.toolCalls].sort(([a], [b]) => a - b).map(([, call]) => call),
      finishReason: choice.finishReason,
    }));

function choiceAt(tally: Tally, index: number): Choice {
  const known = tally.choices.get(index);
  if (known !== undefined) return known;
  const fresh: Choice = { content: null, toolCalls: new Map(), finishReason: null };
  tally.choices.set(index, fresh);
  return fresh;
}

function readDelta(raw: Readonly<Record<string, unknown>>): Delta {
  const parsed = z.safeParse(EngineDelta, raw);
  if (!parsed.success) return {};
  const text = parsed.data.content ?? parsed.data.text ?? '';
  const calls = (parsed.data.tool_calls ?? []).map(toToolCallDelta);
  return { ...(text === '' ? {} : { content: text }), ...(calls.length === 0 ? {} : { toolCalls: calls }) };
}

/** Engines write null where OpenAI leaves a field out. */
function toToolCallDelta(call: EngineToolCall, position: number): ToolCallDelta {
  const { name, arguments: text } = call.function ?? {};
  return {
    index: call.index ?? position,
    ...(call.id ? { id: call.id, type: 'function' } : {}),
    function: { ...(name ? { name } : {}), ...(text ? { arguments: text } : {}) },
  };
}

/** A tool call arrives in parts: its id and name first, then its arguments piece by piece. */
function addToolCall(choice: Choice, part: ToolCallDelta): void {
  const known = choice.toolCalls.get(part.index);
  choice.toolCalls.set(part.index, {
    id: known?.id || part.id || '',
    type: 'function',
    function: {
      name: (known?.function.name ?? '') + (part.function.name ?? ''),
      arguments: (known?.function.arguments ?? '') + (part.function.arguments ?? ''),
    },
  });
}

/** The text that was delivered, tool calls included: what is counted where the engine did not live to say. */
export const deliveredText = (tally: Tally): readonly string[] =>
  finishedChoices(tally).map(
    ({ content, toolCalls }) =>
      (content ?? '') + toolCalls.map((call) => call.function.name + call.function.arguments).join(''),
  );

/** The same for the same answer, and hardly ever for another: for comparing answers without keeping them. */
export const answerHash = (tally: Tally): number => stableHash(JSON.stringify(deliveredText(tally)));
