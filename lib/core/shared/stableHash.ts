/**
 * The same 32 bits for the same text, for ever and on every machine: FNV-1a with MurmurHash3's last steps, which
 * spread texts that differ in a letter over the whole range. For choosing, never for secrets.
 */
export function stableHash(text: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35);
  return (sum ^ (sum >>> 16)) >>> 0;
}
