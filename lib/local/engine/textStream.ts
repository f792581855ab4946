/** What may be sent on of the text so far, and whether it has come to its end. */
export type TextStep = { readonly delta: string; readonly stopped: boolean };

/**
 * Cuts growing text into deltas: nothing of an incomplete UTF-8 character is sent, and nothing of what may yet turn
 * out to be a stop text. The stop text itself is not part of the answer.
 */
export function makeTextStream(stop: readonly string[]) {
  let sent = 0;
  return {
    /** `text` is everything generated so far, decoded from all of its tokens. */
    advance: (text: string): TextStep => {
      const complete = withoutIncompleteCharacter(text);
      const end = firstStop(complete, stop);
      const safe = end ?? complete.length - heldBack(complete, stop);
      const delta = safe > sent ? complete.slice(sent, safe) : '';
      sent = Math.max(sent, safe);
      return { delta, stopped: end !== undefined };
    },
    /** What was held back, at the end of the generation. */
    flush: (text: string): string => {
      const rest = withoutIncompleteCharacter(text).slice(sent);
      sent += rest.length;
      return rest;
    },
  };
}

const REPLACEMENT = '\uFFFD'; // what decoding puts where bytes are missing
const LONGEST_PARTIAL = 3;

/** A character of up to four bytes may come in as many tokens; its first ones decode to replacement characters. */
function withoutIncompleteCharacter(text: string): string {
  let end = text.length;
  while (end > 0 && text.length - end < LONGEST_PARTIAL && text[end - 1] === REPLACEMENT) end -= 1;
  return text.slice(0, end);
}

function firstStop(text: string, stop: readonly string[]): number | undefined {
  const found = stop.map((word) => text.indexOf(word)).filter((index) => index >= 0);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** The length of the longest end of the text that begins a stop text. */
function heldBack(text: string, stop: readonly string[]): number {
  let longest = 0;
  for (const word of stop) {
    for (let length = Math.min(word.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(word.slice(0, length))) longest = length;
    }
  }
  return longest;
}
