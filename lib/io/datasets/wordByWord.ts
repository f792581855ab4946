type Measure = (text: string) => number;

const SPACE = 0x20;
const DELETE = 0x7f;
/** Of words that come again; this many take some 10 MB. Longer ones seldom do. */
const REMEMBERED_WORDS = 100_000;
const REMEMBERED_LENGTH = 48;

/**
 * Measures a text as the sum of its words, each of which is measured once. It cuts in front of each single space that
 * stands between two characters that are no spaces: right for tokenizers to which a space belongs to the word behind it.
 */
export function wordByWord(measure: Measure): Measure {
  const lengthOf = remember(measure);
  return (text) => {
    let length = 0;
    let from = 0;
    for (let at = text.indexOf(' ', 1); at !== -1; at = text.indexOf(' ', at + 1)) {
      if (!isOfWord(text.charCodeAt(at - 1)) || !isOfWord(text.charCodeAt(at + 1))) continue;
      length += lengthOf(text.slice(from, at));
      from = at;
    }
    return from < text.length ? length + lengthOf(text.slice(from)) : length;
  };
}

const WHITESPACE = /\s/u;

/** False behind the text's end, where there is no number. */
const isOfWord = (unit: number): boolean =>
  unit > SPACE && (unit < DELETE || !WHITESPACE.test(String.fromCharCode(unit)));

/** One generation of words is kept while the next is gathered: memory has a bound, and frequent words stay. */
function remember(measure: Measure): Measure {
  let known = new Map<string, number>();
  let before = new Map<string, number>();
  return (word) => {
    if (word.length > REMEMBERED_LENGTH) return measure(word);
    const found = known.get(word);
    if (found !== undefined) return found;
    const length = before.get(word) ?? measure(word);
    if (known.size >= REMEMBERED_WORDS / 2) {
      before = known;
      known = new Map();
    }
    known.set(copyOf(word), length);
    return length;
  };
}

/** A part of a string keeps the whole of it in memory; a copy does not. */
const copyOf = (part: string): string => Buffer.from(part, 'utf16le').toString('utf16le');
