import { sseData } from '#test/builders/chat.ts';

/** The keys of each chunk of a stream, or of the one answer, with the types of what they hold. */
export const shapesOf = (text: string): readonly unknown[] =>
  (text.startsWith('data:') ? sseData(text) : [JSON.parse(text)]).map(typesOf);

function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typesOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, typesOf(inner)]));
}
