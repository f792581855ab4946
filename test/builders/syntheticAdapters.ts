import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toFloat32, toFloatBytes } from '#core/weights/floats.ts';
import { readSafetensors, writeSafetensors } from '#core/weights/safetensors.ts';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { gaussian, makeRandom } from '#local/training/random.ts';
import { adapterArchive } from './archives.ts';

/** Times the size of trained weights: enough that no two adapters answer alike. */
const SCALE = 4;

/**
 * An adapter like no other: half of a trained one and half chance. What it says means nothing and is its own; the
 * same number gives the same adapter.
 */
export function syntheticAdapter(number: number): Buffer {
  const directory = DEMO_TENANTS[number % DEMO_TENANTS.length]?.adapterDirectory ?? '';
  const file = readSafetensors(readFileSync(join(directory, 'adapter_model.safetensors')));
  const random = makeRandom(number + 1);
  const tensors = new Map(
    [...file.tensors].map(([name, tensor]) => {
      if (!name.includes('lora_B')) return [name, tensor] as const;
      const trained = toFloat32(tensor);
      const size = Math.sqrt(trained.reduce((sum, value) => sum + value * value, 0) / trained.length);
      const values = trained.map(() => gaussian(random) * size * SCALE);
      return [name, { ...tensor, dtype: 'F32' as const, bytes: toFloatBytes(values) }] as const;
    }),
  );
  return adapterArchive({
    'adapter_model.safetensors': writeSafetensors({ metadata: file.metadata, tensors }),
    'lineage.json': null,
  });
}
