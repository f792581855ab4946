import type { LocalEngine } from './engine.ts';
import { readGenerationRequest } from './parameters.ts';

/** The text of one answer, for evaluation. Throws where the request cannot be answered. */
export async function plainAnswer(
  engine: LocalEngine,
  adapterPath: string | null,
  body: Readonly<Record<string, unknown>>,
): Promise<string> {
  const request = readGenerationRequest(engine.base, body);
  if (!request.ok) throw new Error(request.error.message);
  const generation = await engine.prepare(adapterPath, request.value);
  if (!generation.ok) throw new Error(generation.error.message);
  let text = '';
  await generation.value.run((event) => {
    if (event.kind === 'delta') text += event.text;
  }, new AbortController().signal);
  return text;
}
