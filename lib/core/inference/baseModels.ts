/** What a call needs to know of a base model before it runs. */
export type BaseModel = {
  /** Prompt and output together. */
  readonly contextTokens: number;
  /** Output of one choice where the client names no limit; it is what such a call holds credits for. */
  readonly defaultMaxTokens: number;
};

/** The base models on sale. Source of the context: `max_position_embeddings` of the model's config.json. */
const BASE_MODELS: Readonly<Record<string, BaseModel>> = {
  'tunegate-nano': { contextTokens: 512, defaultMaxTokens: 128 },
};

/** The base whose tokenizer counts what names no model. */
export const DEFAULT_BASE_MODEL = 'tunegate-nano';

export const baseModelOf = (id: string): BaseModel | undefined =>
  Object.hasOwn(BASE_MODELS, id) ? BASE_MODELS[id] : undefined;
