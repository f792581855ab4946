import * as z from 'zod/mini';

const DodoSecret = z.object({
  apiKey: z.string().check(z.minLength(1)),
  webhookKeys: z.array(z.string().check(z.minLength(1))).check(z.minLength(1)),
});

/** Dodo's keys: one to call with, and those that webhooks may be signed with, newest first. */
export type DodoSecret = z.infer<typeof DodoSecret>;

/** Reads Dodo's keys from their secret. Throws when it has another shape, without repeating any of it. */
export function makeDodoSecretReader(
  readSecret: (secretId: string) => Promise<string>,
  secretId: string,
): () => Promise<DodoSecret> {
  return async () => {
    const parsed = z.safeParse(DodoSecret, parseJson(await readSecret(secretId)));
    if (!parsed.success)
      throw new Error('the secret of Dodo needs {"apiKey": "…", "webhookKeys": ["whsec_…"]}');
    return parsed.data;
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
