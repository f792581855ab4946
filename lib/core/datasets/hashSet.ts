/** Tells whether a hash (hex, at least 64 bits) was given before, and keeps it. */
export type HashSet = { readonly addIfNew: (hex: string) => boolean };

const FIRST_SLOTS = 1 << 10;
const MAX_LOAD = 0.6;

/** A set that keeps eight bytes of each hash: two million examples take 64 MB at most. */
export function makeHashSet(): HashSet {
  let slots = FIRST_SLOTS;
  let table = new Uint32Array(2 * slots);
  let size = 0;

  /** Where the pair is, or the free slot where it belongs. (0, 0) marks a free slot. */
  const find = (high: number, low: number): number => {
    let at = low & (slots - 1);
    while (
      (table[2 * at] !== 0 || table[2 * at + 1] !== 0) &&
      !(table[2 * at] === high && table[2 * at + 1] === low)
    )
      at = (at + 1) & (slots - 1);
    return at;
  };
  const put = (at: number, high: number, low: number): void => {
    table[2 * at] = high;
    table[2 * at + 1] = low;
  };
  const grow = (): void => {
    const old = table;
    slots *= 2;
    table = new Uint32Array(2 * slots);
    for (let at = 0; at < old.length; at += 2) {
      const [high = 0, low = 0] = [old[at], old[at + 1]];
      if (high !== 0 || low !== 0) put(find(high, low), high, low);
    }
  };

  return {
    addIfNew: (hex) => {
      const high = Number.parseInt(hex.slice(0, 8), 16);
      const low = Number.parseInt(hex.slice(8, 16), 16) || 1; // never the mark of a free slot
      const at = find(high, low);
      if (table[2 * at] === high && table[2 * at + 1] === low) return false;
      put(at, high, low);
      size += 1;
      if (size > slots * MAX_LOAD) grow();
      return true;
    },
  };
}
