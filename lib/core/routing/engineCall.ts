import type { EngineRequest } from '#core/inference/ports.ts';
import { versionName } from './chooseVersion.ts';
import type { ModelVersion } from './types.ts';

/** The request of a call for the engine that its version runs on, under the name that the version has there. */
export const engineCall = (
  version: ModelVersion,
  { tenantId, body, signal }: Pick<EngineRequest, 'tenantId' | 'body' | 'signal'>,
): EngineRequest => ({
  tenantId,
  inferenceComponentName: version.inferenceComponentName,
  ...(version.engine === undefined ? {} : { engine: version.engine }),
  expectedAdapter: version.adapterId,
  body: { ...body, model: engineModel(version) },
  signal,
});

const engineModel = (version: ModelVersion): string =>
  (version.engine?.kind === 'openai' ? version.engine.model : undefined) ?? versionName(version);
