import type { PiiFinder } from './ports.ts';
import { redactText } from './redactText.ts';
import type { Example, PiiKind, ToolCall } from './types.ts';

/** A string, or a number outside of strings: where a tool call's arguments can hold personal data. */
const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?/g;

/** The kinds of personal data in an example: in what is said, and in what tools are called with. */
export function personalData({ messages }: Example, findPii: PiiFinder): ReadonlySet<PiiKind> {
  const kinds = new Set<PiiKind>();
  const look = (text: string) => {
    for (const { kind } of findPii(text)) kinds.add(kind);
    return text;
  };
  for (const { content, tool_calls = [] } of messages) {
    look(content ?? '');
    for (const call of tool_calls) mapTokens(call.function.arguments, look);
  }
  return kinds;
}

/** The example with `[EMAIL]`, `[PHONE]`, … in the place of personal data; arguments that were JSON still are. */
export function redactExample(example: Example, findPii: PiiFinder): Example {
  const redact = (text: string) => redactText(text, findPii);
  const redactCall = (call: ToolCall): ToolCall => ({
    ...call,
    function: { ...call.function, arguments: mapTokens(call.function.arguments, redact) },
  });
  const messages = example.messages.map(({ tool_calls, ...message }) => ({
    ...message,
    content: message.content === null ? null : redact(message.content),
    ...(tool_calls === undefined ? {} : { tool_calls: tool_calls.map(redactCall) }),
  }));
  return { ...example, messages };
}

/** Gives `change` what each token says, without its quotes and escapes, and writes what comes back as a JSON string. */
const mapTokens = (json: string, change: (text: string) => string): string =>
  json.replace(JSON_TOKEN, (token) => {
    const text = readToken(token);
    const changed = change(text);
    return changed === text ? token : JSON.stringify(changed);
  });

function readToken(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token; // an escape that JSON does not have
  }
}
