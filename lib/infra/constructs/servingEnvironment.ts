import serving from '#containers/serving/vllm.json' with { type: 'json' };
import type { InferenceSettings } from '#infra/environments.ts';

/** The variables that vLLM's image is started with; its entry point makes vLLM's options of them. */
export const servingEnvironment = (
  settings: Pick<InferenceSettings, 'baseModel' | 'adaptersOnGpu' | 'adaptersInMemory' | 'maxLoraRank'>,
): Readonly<Record<string, string>> => ({
  ...serving.environment,
  SM_VLLM_SERVED_MODEL_NAME: settings.baseModel,
  SM_VLLM_MAX_LORAS: String(settings.adaptersOnGpu),
  SM_VLLM_MAX_CPU_LORAS: String(settings.adaptersInMemory),
  SM_VLLM_MAX_LORA_RANK: String(settings.maxLoraRank),
});
