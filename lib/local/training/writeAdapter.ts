import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_SHA256_FIELD } from '#core/weights/adapterGguf.ts';
import { toFloatBytes } from '#core/weights/floats.ts';
import { LINEAR_MODULES } from '#core/weights/llamaLayout.ts';
import { type Tensor, writeSafetensors } from '#core/weights/safetensors.ts';
import type { TrainedParameter } from './trainer.ts';
import type { TrainingSettings } from './trainLora.ts';

/** Where an adapter comes from, kept beside its weights. */
export type Lineage = {
  readonly baseModel: string;
  readonly baseSha256: string;
  readonly datasetSha256: string;
  readonly examples: number;
  readonly settings: TrainingSettings;
  /** How long it took, which is another number each time: left out where the same job is to leave the same bytes. */
  readonly seconds?: number;
  /** Of a job's validation channel. */
  readonly validationSha256?: string | null;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly versions?: Readonly<Record<string, string>>;
};

/** Writes PEFT's files flat into a folder: archived as they are, they are what SageMaker serves as an adapter. */
export function writeAdapter(
  directory: string,
  parameters: readonly TrainedParameter[],
  lineage: Lineage,
): void {
  mkdirSync(directory, { recursive: true });
  const tensors = new Map<string, Tensor>(
    parameters.map(({ name, shape, values }) => [name, { dtype: 'F32', shape, bytes: toFloatBytes(values) }]),
  );
  const weights = writeSafetensors({
    metadata: { format: 'pt', [BASE_SHA256_FIELD]: lineage.baseSha256 },
    tensors,
  });
  writeFileSync(join(directory, 'adapter_model.safetensors'), weights);
  writeJson(join(directory, 'adapter_config.json'), {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: lineage.baseModel,
    r: lineage.settings.rank,
    lora_alpha: lineage.settings.alpha,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
    target_modules: LINEAR_MODULES.map(({ module }) => module.split('.').at(-1)),
    inference_mode: true,
  });
  writeJson(join(directory, 'lineage.json'), lineage);
}

const writeJson = (path: string, value: unknown): void =>
  writeFileSync(path, `${JSON.stringify(value, null, 1)}\n`);
