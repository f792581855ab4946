import { componentNameOf } from '#core/adapters/types.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import type { EnginePlace, ModelVersion } from './types.ts';

/** A version as somebody asks for it: what is not named is as in the stable version. */
export type WantedVersion = {
  /** Null: the bare base model. */
  readonly adapterId?: AdapterId | null;
  readonly baseModel?: string;
  /** Absent: SageMaker's name is derived from the adapter's id, or is the base model's. */
  readonly inferenceComponentName?: string;
  /** Null: the SageMaker endpoint that all tenants share. */
  readonly engine?: EnginePlace | null;
};

/** The version that is wanted, in full. */
export function resolveVersion(stable: ModelVersion, wanted: WantedVersion): ModelVersion {
  const adapterId = wanted.adapterId === undefined ? stable.adapterId : wanted.adapterId;
  const baseModel = wanted.baseModel ?? stable.baseModel;
  const isStable = adapterId === stable.adapterId && baseModel === stable.baseModel;
  const engine = wanted.engine === undefined ? engineFor(stable, isStable) : (wanted.engine ?? undefined);
  const stays = isStable && endpointOf(engine) === endpointOf(stable.engine);
  const derived = stays
    ? stable.inferenceComponentName
    : componentName({ adapterId, baseModel, ...(engine === undefined ? {} : { engine }) });
  return {
    baseModel,
    adapterId,
    inferenceComponentName: wanted.inferenceComponentName ?? derived,
    ...(engine === undefined ? {} : { engine }),
  };
}

/** SageMaker's name for a version: its adapter's component on the endpoint that it runs on, or its base model's. */
export const componentName = ({
  adapterId,
  baseModel,
  engine,
}: Pick<ModelVersion, 'adapterId' | 'baseModel' | 'engine'>): string =>
  adapterId === null ? baseModel : componentNameOf(adapterId, endpointOf(engine));

const endpointOf = (engine: EnginePlace | undefined): string | undefined =>
  engine?.kind === 'sagemaker' ? engine.endpoint : undefined;

/** The stable version's engine. What a server calls its model is the name of that model alone. */
function engineFor({ engine }: ModelVersion, isStable: boolean): EnginePlace | undefined {
  if (isStable || engine?.kind !== 'openai') return engine;
  const { model: _, ...place } = engine;
  return place;
}
