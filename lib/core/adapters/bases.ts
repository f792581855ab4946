import type { FittedBase } from '#core/weights/adapterGguf.ts';

/** A base model as the registry knows it: what an adapter must fit, and what may stand beside it in an archive. */
export type AdaptableBase = FittedBase & {
  /** The highest rank that every endpoint of this base serves. */
  readonly maxRank: number;
  /** SHA-256 of the base's own files. An adapter's archive may bring a copy, never another: prompts would differ. */
  readonly sharedFiles: Readonly<Record<string, string>>;
};

/** The bases that adapters may stand on. Source: `containers/bases`; a test holds both together. */
const ADAPTABLE_BASES: Readonly<Record<string, AdaptableBase>> = {
  'tunegate-nano': {
    id: 'tunegate-nano',
    sha256: 'c3a12313d5fcd563f1db8a0317b3a9cbdf28abb2d0aeee29c16e53a0243c8152',
    config: {
      num_hidden_layers: 4,
      hidden_size: 256,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      head_dim: 32,
      intermediate_size: 640,
    },
    maxRank: 32,
    sharedFiles: {
      'tokenizer.json': 'f10d605af2b6bd7a37764f205444ebfd25c7adbbc9a3a06a62003553ee7fe4f4',
      'chat_template.jinja': 'c16cea4e4b704b8480ac6c867a7c061d291ccb28dff46f9bdda5e7d9acfd1415',
    },
  },
};

export const adaptableBase = (id: string): AdaptableBase | undefined =>
  Object.hasOwn(ADAPTABLE_BASES, id) ? ADAPTABLE_BASES[id] : undefined;
