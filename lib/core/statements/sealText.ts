import { canonicalJson } from './canonicalJson.ts';
import type { Seal } from './types.ts';

/** What is signed of a seal: a text that no other use of the key could make. */
export const sealText = (seal: Seal): string => `tunegate-seal-1\n${canonicalJson(seal)}`;
