import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureAdapterGguf } from '#local/engine/adapterFiles.ts';
import type { LocalEngine } from '#local/engine/engine.ts';
import { fetchArtifact } from './artifacts.ts';

export type LoadedAdapter =
  | { readonly ok: true; readonly adapterPath: string }
  | { readonly ok: false; readonly failureReason: string };

/**
 * Makes adapters ready to serve: fetches an artifact, converts it, and applies it once. One after another, however
 * many are asked for: hundreds may be created in a minute, and each takes its share of memory while it loads.
 */
export function makeAdapterLoader(options: {
  readonly dataDirectory: string;
  readonly engines: ReadonlyMap<string, LocalEngine>;
}) {
  let last: Promise<unknown> = Promise.resolve();
  return (baseId: string, artifactUrl: string): Promise<LoadedAdapter> => {
    const loading = last.then(() => load(options, baseId, artifactUrl).catch(asFailure));
    last = loading;
    return loading;
  };
}

const asFailure = (error: unknown): LoadedAdapter => ({
  ok: false,
  failureReason: error instanceof Error ? error.message : String(error),
});

async function load(
  { dataDirectory, engines }: Parameters<typeof makeAdapterLoader>[0],
  baseId: string,
  artifactUrl: string,
): Promise<LoadedAdapter> {
  const engine = engines.get(baseId);
  if (engine === undefined) return { ok: false, failureReason: `the base ${baseId} is not loaded` };
  const directory = await fetchArtifact(artifactUrl, join(dataDirectory, 'artifacts'));
  try {
    const converted = ensureAdapterGguf(engine.base, directory, join(dataDirectory, 'gguf'));
    if (!converted.ok) {
      return { ok: false, failureReason: `${converted.error.code}: ${converted.error.message}` };
    }
    // Applied once before it is called in service: what llama.cpp rejects fails here, and the first call finds it warm.
    await engine.lanes.withSequence(converted.value, new AbortController().signal, async () => undefined);
    return { ok: true, adapterPath: converted.value };
  } finally {
    rmSync(directory, { recursive: true, force: true }); // what serves is the converted file
  }
}
