import type { Example } from './types.ts';

/** The one way in which an example is written; what is hashed and compared. Without a newline. */
export const canonicalLine = ({ messages, tools }: Example): string =>
  JSON.stringify({
    messages: messages.map(inOrder),
    ...(tools === undefined ? {} : { tools: tools.map(sorted) }),
  });

const inOrder = ({ role, content, name, weight, tool_calls, tool_call_id }: Example['messages'][number]) => ({
  role,
  content,
  name,
  weight,
  tool_calls: tool_calls?.map(sorted),
  tool_call_id,
});

/** Keys by their code units, at every depth: the nesting of a line is limited before it comes here. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)]));
}
