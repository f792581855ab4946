import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type AdapterRefused, adapterGguf } from '#core/weights/adapterGguf.ts';
import { writeWhole } from './baseGguf.ts';
import type { BaseModel } from './baseModel.ts';

const CONVERSION = 1;

/**
 * Makes the GGUF of a PEFT adapter folder, or finds the one that the same bytes gave before.
 * Errors: adapter_missing, adapter_unsupported (outside what vLLM and llama.cpp both serve), base_mismatch.
 */
export function ensureAdapterGguf(
  base: BaseModel,
  directory: string,
  cacheDirectory: string,
): Result<string, AdapterRefused> {
  const configPath = join(directory, 'adapter_config.json');
  const weightsPath = join(directory, 'adapter_model.safetensors');
  if (!existsSync(configPath) || !existsSync(weightsPath)) {
    return err({
      code: 'adapter_missing',
      message: 'adapter_config.json and adapter_model.safetensors must be at the root of the artifact',
    });
  }
  const configBytes = readFileSync(configPath);
  const weights = readFileSync(weightsPath);
  const hash = createHash('sha256')
    .update(`${CONVERSION} ${base.sha256} `)
    .update(configBytes)
    .update(weights);
  const path = join(cacheDirectory, `adapter-${hash.digest('hex').slice(0, 32)}.gguf`);
  if (existsSync(path)) return ok(path);

  const converted = adapterGguf(base, configBytes.toString('utf8'), weights);
  if (!converted.ok) return converted;
  mkdirSync(cacheDirectory, { recursive: true });
  writeWhole(path, converted.value);
  return ok(path);
}
