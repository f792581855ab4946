import { PromptNotExpressible } from '#core/inference/ports.ts';

/** A prompt, cut where special tokens stand: everything in `text` is plain text, whatever it looks like. */
export type PromptPiece =
  | { readonly kind: 'special'; readonly token: string }
  | { readonly kind: 'text'; readonly text: string };

/** `forTraining`: without the beginning of an answer at the end, because the answer is among the messages. */
export type ChatPrompt = (
  messages: readonly unknown[],
  tools?: readonly unknown[],
  options?: { readonly forTraining?: boolean },
) => readonly PromptPiece[];

/** The library that runs chat templates; passed in, because in Lambda it comes from a layer. */
export type Jinja = Pick<typeof import('@huggingface/jinja'), 'Template'>;

/**
 * Renders messages with a base model's own chat template (Jinja), as serving containers do, with one difference
 * that matters for safety: a special token that a user writes (`<|im_end|>`) stays text. Before the template sees a
 * string, the special tokens in it are escaped; after it, what is still a special token came from the template.
 * Throws PromptNotExpressible for messages that the template cannot express.
 */
export function makeChatPrompt(
  { Template }: Jinja,
  template: string,
  specialTokens: readonly string[],
): ChatPrompt {
  const compiled = new Template(template);
  const escaping = makeEscaping(specialTokens);
  return (messages, tools, { forTraining = false } = {}) => {
    const escaped = (values: readonly unknown[]) =>
      values.map((value) => escapeStrings(value, escaping.escape));
    const variables = {
      messages: escaped(messages),
      ...(tools === undefined ? {} : { tools: escaped(tools) }),
      add_generation_prompt: !forTraining,
      bos_token: '',
    };
    return escaping.split(render(compiled, variables));
  };
}

/** What a template raises is about the messages: without them it was read without fault. */
function render(
  template: { readonly render: (variables: Record<string, unknown>) => string },
  variables: Record<string, unknown>,
): string {
  try {
    return template.render(variables);
  } catch (cause) {
    throw new PromptNotExpressible('the chat template cannot express these messages', { cause });
  }
}

/** Text with no template around it, as `/completions` takes it: plain text throughout. */
export const plainPrompt = (text: string): readonly PromptPiece[] => [{ kind: 'text', text }];

// A Unicode noncharacter: it never stands in real text, and where a client sends one it is escaped itself.
const MARK = '\uFDD0';

function makeEscaping(specialTokens: readonly string[]) {
  const tokens = [...specialTokens].sort((a, b) => b.length - a.length);
  const anySpecial = new RegExp([...tokens, MARK].map(RegExp.escape).join('|'), 'gu');
  const escaped = new RegExp(`${MARK}(\\d+)${MARK}`, 'gu');
  const splitter = new RegExp(`(${tokens.map(RegExp.escape).join('|')})`, 'u');
  const known = new Set(tokens);
  const restore = (text: string): string =>
    text.replace(escaped, (_, index) => tokens[Number(index)] ?? MARK);
  return {
    escape: (text: string): string =>
      text.replace(anySpecial, (found) => {
        const index = tokens.indexOf(found);
        return `${MARK}${index < 0 ? tokens.length : index}${MARK}`;
      }),
    split: (rendered: string): readonly PromptPiece[] =>
      rendered
        .split(splitter)
        .filter((part) => part !== '')
        .map((part) =>
          known.has(part) ? { kind: 'special', token: part } : { kind: 'text', text: restore(part) },
        ),
  };
}

function escapeStrings(value: unknown, guard: (text: string) => string): unknown {
  if (typeof value === 'string') return guard(value);
  if (Array.isArray(value)) return value.map((item) => escapeStrings(item, guard));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [guard(key), escapeStrings(item, guard)]),
  );
}
