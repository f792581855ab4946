import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { ok, type Result } from '#core/shared/result.ts';
import { BASE_SHA256_FIELD } from '#core/weights/adapterGguf.ts';
import { LINEAR_MODULES } from '#core/weights/llamaLayout.ts';
import { readSafetensorsHeader, type SafetensorsHeader } from '#core/weights/safetensors.ts';
import { ADAPTER_FILES, type ArchiveRefused, refuse } from './archiveRules.ts';
import type { AdaptableBase } from './bases.ts';
import type { Lineage } from './types.ts';

const RANKS = [8, 16, 32];
const MODULES = LINEAR_MODULES.map(({ module }) => module.split('.').at(-1) ?? module);

/** What PEFT knows and no engine of ours serves: only as PEFT writes it where nobody asked for it. */
const empty = z.nullish(z.array(z.never()).check(z.maxLength(0, 'is not served: leave it out')));
const nothing = z.optional(z.record(z.string(), z.never('is not served: leave it out')));
const off = z._default(z.literal(false), false);
/** These change the base before training, so that the adapter fits no other copy of it. */
const CHANGES_BASE = /^(?:pissa|olora|corda|loftq|lora_ga)/u;

/** PEFT's adapter_config.json: what both engines serve, and of all the rest only what changes nothing. */
const Config = z.object({
  peft_type: z.literal('LORA'),
  r: z.int(),
  lora_alpha: z.number().check(z.gt(0, 'must be more than 0'), z.lte(4_096)),
  target_modules: z.array(z.string()).check(z.minLength(1), z.maxLength(64)),
  bias: z._default(z.literal('none'), 'none'),
  fan_in_fan_out: off,
  use_dora: off,
  use_rslora: z._default(z.boolean(), false),
  use_qalora: off,
  lora_bias: off,
  init_lora_weights: z.optional(
    z.union([
      z.boolean(),
      z.string().check(z.refine((how) => !CHANGES_BASE.test(how), 'must leave the base as it is')),
    ]),
  ),
  modules_to_save: empty,
  layers_to_transform: empty,
  layer_replication: empty,
  trainable_token_indices: empty,
  target_parameters: empty,
  alora_invocation_tokens: empty,
  rank_pattern: nothing,
  alpha_pattern: nothing,
});

/** The file that serves, written anew from what was understood of the one that came. */
export type CanonicalConfig = {
  readonly text: string;
  readonly rank: number;
  readonly modules: readonly string[];
};

/** Reads an adapter's configuration. Errors: config_invalid, adapter_unsupported, rank_unsupported. */
export function readConfig(text: string, base: AdaptableBase): Result<CanonicalConfig, ArchiveRefused> {
  const json = parseJson(text);
  if (json === undefined) return refuse('config_invalid', `${ADAPTER_FILES.config} is not JSON.`);
  const parsed = z.safeParse(Config, json, { reportInput: true });
  if (!parsed.success) {
    const { path, message } = describeIssue(parsed.error);
    return refuse(
      'adapter_unsupported',
      `${[`${ADAPTER_FILES.config}:`, path, message].filter(Boolean).join(' ')}.`,
    );
  }
  const { r, lora_alpha, use_rslora, target_modules } = parsed.data;
  if (!RANKS.includes(r) || r > base.maxRank) {
    const served = RANKS.filter((rank) => rank <= base.maxRank).join(', ');
    return refuse(
      'rank_unsupported',
      `${ADAPTER_FILES.config}: r is ${r}; ${base.id} serves the ranks ${served}.`,
    );
  }
  const modules = MODULES.filter((module) => target_modules.includes(module));
  if (modules.length !== new Set(target_modules).size) {
    return refuse(
      'adapter_unsupported',
      `${ADAPTER_FILES.config}: target_modules may name ${MODULES.join(', ')}.`,
    );
  }
  const canonical = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base.id,
    r,
    lora_alpha,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora,
    use_dora: false,
    modules_to_save: null,
    target_modules: modules,
    inference_mode: true,
  };
  return ok({ text: `${JSON.stringify(canonical, null, 1)}\n`, rank: r, modules });
}

/**
 * Checks the weights from their header alone: every tensor that the configuration promises, none beside them, each of
 * the shape that the base asks for. Errors: weights_invalid, base_unknown, base_mismatch, tensor_unexpected,
 * tensor_missing, shape_mismatch.
 */
export function checkWeights(
  start: Uint8Array,
  fileBytes: number,
  { base, config }: { readonly base: AdaptableBase; readonly config: CanonicalConfig },
): Result<SafetensorsHeader, ArchiveRefused> {
  let header: SafetensorsHeader;
  try {
    header = readSafetensorsHeader(start, fileBytes);
  } catch (error) {
    return refuse(
      'weights_invalid',
      `${ADAPTER_FILES.weights}: ${error instanceof Error ? error.message : 'unreadable'}.`,
    );
  }
  const trainedOn = header.metadata[BASE_SHA256_FIELD];
  if (trainedOn === undefined) {
    const how = `save it with the metadata ${BASE_SHA256_FIELD} = SHA-256 of the base's model.safetensors`;
    return refuse(
      'base_unknown',
      `${ADAPTER_FILES.weights} does not say which base it was trained on: ${how}.`,
    );
  }
  if (trainedOn !== base.sha256) {
    return refuse('base_mismatch', `The adapter was trained on another base than ${base.id}.`);
  }
  const wanted = wantedTensors(base, config);
  for (const [name, { shape }] of header.tensors) {
    const expected = wanted.get(name);
    const shown = JSON.stringify(name.slice(0, 120));
    if (expected === undefined)
      return refuse('tensor_unexpected', `${ADAPTER_FILES.weights}: ${shown} is no tensor of this adapter.`);
    if (shape.length !== 2 || shape[0] !== expected[0] || shape[1] !== expected[1])
      return refuse(
        'shape_mismatch',
        `${ADAPTER_FILES.weights}: ${shown} has the shape ${shape.slice(0, 8).join(' × ')}, not ${expected.join(' × ')}.`,
      );
  }
  for (const name of wanted.keys()) {
    if (!header.tensors.has(name))
      return refuse('tensor_missing', `${ADAPTER_FILES.weights}: ${name} is missing.`);
  }
  return ok(header);
}

function wantedTensors(base: AdaptableBase, { rank, modules }: CanonicalConfig) {
  const wanted = new Map<string, readonly [number, number]>();
  for (let layer = 0; layer < base.config.num_hidden_layers; layer++) {
    for (const { module, inputs, outputs } of LINEAR_MODULES) {
      if (!modules.includes(module.split('.').at(-1) ?? '')) continue;
      const name = `base_model.model.model.layers.${layer}.${module}`;
      wanted.set(`${name}.lora_A.weight`, [rank, inputs(base.config)]);
      wanted.set(`${name}.lora_B.weight`, [outputs(base.config), rank]);
    }
  }
  return wanted;
}

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const LineageFileSchema = z.object({
  baseSha256: z.optional(z.string()),
  datasetSha256: z.optional(z.string().check(z.regex(/^[0-9a-f]{64}$/u))),
  validationSha256: z.nullish(z.string().check(z.regex(/^[0-9a-f]{64}$/u))),
  examples: z.optional(z.int().check(z.nonnegative())),
  settings: z.optional(
    z.record(z.string(), z.union([scalar, z.array(scalar), z.record(z.string(), scalar)])),
  ),
  metrics: z.optional(z.record(z.string(), z.number())),
  versions: z.optional(z.record(z.string(), z.string())),
  seconds: z.optional(z.number()),
});
/** `lineage.json` as trainers write it. The settings are whatever the trainer has. */
export type LineageFile = Readonly<Omit<z.infer<typeof LineageFileSchema>, 'settings'>> & {
  readonly settings?: Readonly<Record<string, unknown>>;
};
const MAX_LINEAGE_CHARACTERS = 32_768;

/** What a trainer says of where its adapter comes from. Errors: lineage_invalid, base_mismatch. */
export function readLineage(text: string | undefined, base: AdaptableBase): Result<Lineage, ArchiveRefused> {
  const isLong = (text?.length ?? 0) > MAX_LINEAGE_CHARACTERS;
  const parsed = z.safeParse(
    LineageFileSchema,
    text === undefined ? {} : isLong ? undefined : parseJson(text),
  );
  if (!parsed.success)
    return refuse(
      'lineage_invalid',
      `${ADAPTER_FILES.lineage} is not what a trainer of Tunegate writes. Leave it out.`,
    );
  const { baseSha256, datasetSha256, validationSha256, examples, settings, metrics, versions, seconds } =
    parsed.data;
  if ((baseSha256 ?? base.sha256) !== base.sha256)
    return refuse('base_mismatch', `${ADAPTER_FILES.lineage} names another base than ${base.id}.`);
  return ok({
    source: 'upload',
    jobId: null,
    dataset:
      datasetSha256 === undefined
        ? null
        : { sha256: datasetSha256, validationSha256: validationSha256 ?? null, examples: examples ?? null },
    hyperParameters: settings ?? {},
    metrics: metrics ?? {},
    versions: versions ?? {},
    trainedSeconds: seconds ?? null,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
