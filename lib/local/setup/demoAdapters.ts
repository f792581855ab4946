import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  CreateInferenceComponentCommand,
  DescribeInferenceComponentCommand,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { ENDPOINT } from '#io/definitions/resources.ts';
import { resourceName } from '#local/services/names.ts';
import { DEMO_BASE_MODEL, type DemoAdapter, demoTenants } from './demo.ts';

const IN_SERVICE_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;

/** Deploys the demonstration's adapters on the endpoint and waits until they serve. Throws when one fails. */
export async function createDemoAdapters(sagemaker: SageMakerClient): Promise<void> {
  await Promise.all(demoTenants().map(({ adapter }) => deploy(sagemaker, adapter)));
}

async function deploy(sagemaker: SageMakerClient, adapter: DemoAdapter): Promise<void> {
  if ((await describe(sagemaker, adapter)) === undefined) {
    await sagemaker.send(
      new CreateInferenceComponentCommand({
        InferenceComponentName: adapter.componentName,
        EndpointName: resourceName(ENDPOINT.name),
        Specification: {
          BaseInferenceComponentName: DEMO_BASE_MODEL,
          Container: { ArtifactUrl: pathToFileURL(adapter.directory).href },
        },
      }),
    );
  }
  const deadline = Date.now() + IN_SERVICE_WITHIN_MS;
  while (Date.now() < deadline) {
    const found = await describe(sagemaker, adapter);
    if (found?.InferenceComponentStatus === 'InService') return;
    if (found?.InferenceComponentStatus === 'Failed') {
      throw new Error(`the adapter ${adapter.componentName} did not load: ${found.FailureReason}`);
    }
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`the adapter ${adapter.componentName} was not in service in ${IN_SERVICE_WITHIN_MS} ms`);
}

async function describe(sagemaker: SageMakerClient, adapter: DemoAdapter) {
  try {
    return await sagemaker.send(
      new DescribeInferenceComponentCommand({ InferenceComponentName: adapter.componentName }),
    );
  } catch (error) {
    if (error instanceof Error && error.message.includes('Could not find')) return undefined;
    throw error;
  }
}
