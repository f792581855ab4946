import * as z from 'zod/mini';
import { wordByWord } from './wordByWord.ts';

type Measure = (text: string) => number;

/** The tokenizers that are measured here: BPE over bytes, as GPT-2 has it, and nothing around it. */
const ByteLevelBpe = z.object({
  normalizer: z.null(),
  pre_tokenizer: z.object({
    type: z.literal('ByteLevel'),
    add_prefix_space: z.literal(false),
    use_regex: z.literal(true),
  }),
  added_tokens: z.array(z.object({ special: z.literal(true) })),
  model: z.object({
    type: z.literal('BPE'),
    dropout: z.nullish(z.null()),
    continuing_subword_prefix: z.nullish(z.literal('')),
    end_of_word_suffix: z.nullish(z.literal('')),
    ignore_merges: z.optional(z.literal(false)),
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.tuple([z.string(), z.string()])),
  }),
});
type Bpe = z.infer<typeof ByteLevelBpe>['model'];

/** How GPT-2 cuts a text into pieces; what is merged is merged within a piece. */
const PIECE = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
/** Merging takes the square of a piece's length at worst; a longer one is left to the library. */
const PIECE_BYTES = 256;
const BYTES = 256;

/**
 * How many tokens a text has, as a base model's tokenizer.json says: what the library answers, ten times as fast,
 * because it makes no tokens. Undefined for a tokenizer of another kind. `library` measures pieces that are very long.
 */
export function byteLevelLengths(tokenizerJson: unknown, library: Measure): Measure | undefined {
  const read = ByteLevelBpe.safeParse(tokenizerJson);
  const merges = read.success ? readMerges(read.data.model) : undefined;
  return merges === undefined ? undefined : wordByWord(pieceByPiece(merges, library));
}

type Merges = {
  /** A byte's token. */
  readonly ofByte: Int32Array;
  /** `first × size + second` → what they are merged to; a lower one is merged sooner. */
  readonly rankOf: ReadonlyMap<number, number>;
  /** The token that the merge of this rank makes. */
  readonly made: Int32Array;
  readonly size: number;
};

function readMerges({ vocab, merges }: Bpe): Merges | undefined {
  const ids = new Map(Object.entries(vocab));
  const id = (token: string): number => ids.get(token) ?? -1;
  const size = 1 + [...ids.values()].reduce((highest, one) => Math.max(highest, one), 0);
  const ofByte = Int32Array.from(byteCharacters(), id);
  const made = Int32Array.from(merges, ([first, second]) => id(first + second));
  const pairs = merges.map(([first, second]) => [id(first), id(second)] as const);
  const isWhole = pairs.every(([first, second]) => first >= 0 && second >= 0);
  if (!isWhole || ofByte.includes(-1) || made.includes(-1)) return undefined;
  return {
    ofByte,
    rankOf: new Map(pairs.map(([first, second], rank) => [first * size + second, rank])),
    made,
    size,
  };
}

/** The character that stands for each byte in a vocabulary: itself where it can be seen. Source: GPT-2's encoder.py. */
function byteCharacters(): readonly string[] {
  let hidden = 0;
  return Array.from({ length: BYTES }, (_, byte) => {
    const isSeen = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(isSeen ? byte : BYTES + hidden++);
  });
}

function pieceByPiece(merges: Merges, library: Measure): Measure {
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(PIECE_BYTES);
  const symbols = new Int32Array(PIECE_BYTES);
  return (text) => {
    let length = 0;
    for (const [piece] of text.matchAll(PIECE)) {
      const { read, written } = encoder.encodeInto(piece, bytes);
      if (read < piece.length) length += library(piece);
      else {
        for (let at = 0; at < written; at++) symbols[at] = merges.ofByte[bytes[at] ?? 0] ?? 0;
        length += mergeAll(symbols, written, merges);
      }
    }
    return length;
  };
}

/** Merges the pair of the lowest rank wherever it stands, from the left, until no pair can be merged. What remains. */
function mergeAll(symbols: Int32Array, count: number, merges: Merges): number {
  let length = count;
  for (;;) {
    let lowest = merges.made.length;
    for (let at = 1; at < length; at++) lowest = Math.min(lowest, rankAt(symbols, at - 1, merges));
    if (lowest === merges.made.length) return length;
    length = mergePair(symbols, length, lowest, merges);
  }
}

function mergePair(symbols: Int32Array, count: number, rank: number, merges: Merges): number {
  let written = 0;
  for (let at = 0; at < count; at++) {
    const isPair = at + 1 < count && rankAt(symbols, at, merges) === rank;
    symbols[written] = (isPair ? merges.made[rank] : symbols[at]) ?? 0;
    written += 1;
    if (isPair) at += 1;
  }
  return written;
}

/** Of the pair that begins here; behind all ranks where it is not merged. */
const rankAt = (symbols: Int32Array, at: number, { rankOf, made, size }: Merges): number =>
  rankOf.get((symbols[at] ?? 0) * size + (symbols[at + 1] ?? 0)) ?? made.length;
