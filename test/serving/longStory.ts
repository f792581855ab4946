import type OpenAI from 'openai';

/** The model name that is led to vLLM. */
export const MODEL = 'harbor-front-desk';

const CHOICES = 8;
const TOKENS_EACH = 400;
/** What it would write if nobody stopped it. */
export const STORY_TOKENS = CHOICES * TOKENS_EACH;

/** A call that takes long: every choice is drawn so wildly that it hardly ends by itself. */
export const longStory = (client: OpenAI, signal?: AbortSignal) =>
  client.chat.completions.create(
    {
      model: MODEL,
      messages: [{ role: 'user', content: 'Tell me a story.' }],
      n: CHOICES,
      temperature: 2,
      seed: 1,
      max_tokens: TOKENS_EACH,
      stream: true,
    },
    { signal },
  );
