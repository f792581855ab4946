/** Tells whether a text is nearly one that was given before; if not, it is remembered. */
export type NearDuplicates = { readonly addIfNew: (text: string) => boolean };

const BANDS = 16;
const ROWS = 4;
const HASHES = BANDS * ROWS;
const SHINGLE_WORDS = 3;
const MAX_SHINGLES = 4_096;
/** How many texts are remembered; a newer one takes the place of the oldest. A power of two. */
const REMEMBERED = 1 << 17;
/** Of two texts' hashes, this share must agree: it estimates how many of their word triples they share. */
const NEAR = 0.8;

const WORD = /[\p{L}\p{N}]+/gu;

/**
 * MinHash over word triples with locality-sensitive banding. Its memory is fixed: 64 bytes for each remembered text
 * and one table of candidates for each band, in which a newer text takes an older one's slot. Source: Broder, "On
 * the resemblance and containment of documents", 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", ch. 3.
 */
export function makeNearDuplicates(): NearDuplicates {
  const signatures = new Uint8Array(REMEMBERED * HASHES);
  const candidates = Array.from({ length: BANDS }, () => new Int32Array(REMEMBERED)); // index + 1; 0 is none
  const minima = new Uint32Array(HASHES);
  const slots = new Int32Array(BANDS);
  let next = 0;

  const isNear = (index: number): boolean => {
    let agreeing = 0;
    for (let i = 0; i < HASHES; i++) {
      if (signatures[index * HASHES + i] === ((minima[i] ?? 0) & 0xff)) agreeing += 1;
    }
    return agreeing >= HASHES * NEAR;
  };
  const remember = (): void => {
    for (let i = 0; i < HASHES; i++) signatures[next * HASHES + i] = (minima[i] ?? 0) & 0xff;
    for (const [band, table] of candidates.entries()) table[slots[band] ?? 0] = next + 1;
    next = (next + 1) & (REMEMBERED - 1);
  };

  return {
    addIfNew: (text) => {
      sign(text, minima);
      for (const [band, table] of candidates.entries()) {
        const slot = bandHash(minima, band) & (REMEMBERED - 1);
        slots[band] = slot;
        const found = table[slot] ?? 0;
        if (found !== 0 && isNear(found - 1)) return false;
      }
      remember();
      return true;
    },
  };
}

/** Writes the smallest value of each hash over all word triples. */
function sign(text: string, minima: Uint32Array): void {
  minima.fill(0xffff_ffff);
  const words = (text.normalize('NFKC').toLowerCase().match(WORD) ?? []).map(hashText);
  const last = Math.min(MAX_SHINGLES, Math.max(1, words.length - SHINGLE_WORDS + 1));
  for (let from = 0; from < last; from++) {
    let shingle = words.length;
    if (words.length >= SHINGLE_WORDS) shingle = 0;
    for (let at = from; at < Math.min(words.length, from + SHINGLE_WORDS); at++) {
      shingle = mix(Math.imul(shingle, 31) + (words[at] ?? 0));
    }
    for (let i = 0; i < HASHES; i++) {
      const value = mix(shingle ^ (SEEDS[i] ?? 0)) >>> 0;
      if (value < (minima[i] ?? 0)) minima[i] = value;
    }
  }
}

const SEEDS = Int32Array.from({ length: HASHES }, (_, i) => mix(Math.imul(i + 1, 0x9e37_79b9)));

function bandHash(minima: Uint32Array, band: number): number {
  let hash = band;
  for (let row = 0; row < ROWS; row++) hash = mix(Math.imul(hash, 31) + (minima[band * ROWS + row] ?? 0));
  return hash;
}

/** FNV-1a over a text's code units. */
function hashText(text: string): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return hash;
}

/** A bijection of 32 bits that spreads them (the end of MurmurHash3). */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}
