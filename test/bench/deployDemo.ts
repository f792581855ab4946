import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  CreateInferenceComponentCommand,
  DescribeInferenceComponentCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { ENDPOINT } from '#io/definitions/resources.ts';
import { resourceName } from '#local/services/names.ts';
import { DEMO_BASE_MODEL, demoTenants } from '#local/setup/demo.ts';

const IN_SERVICE_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;

/** Puts a demonstration's adapter on the endpoint past the registry, for the benchmark has no function to do it. */
export async function deployDemo(InferenceComponentName: string): Promise<void> {
  const sagemaker = new SageMakerClient({});
  await sagemaker.send(
    new CreateInferenceComponentCommand({
      InferenceComponentName,
      EndpointName: resourceName(ENDPOINT.name),
      Specification: {
        BaseInferenceComponentName: DEMO_BASE_MODEL,
        Container: { ArtifactUrl: pathToFileURL(demoTenants()[0]?.adapterDirectory ?? '').href },
      },
    }),
  );
  const deadline = Date.now() + IN_SERVICE_WITHIN_MS;
  while (Date.now() < deadline) {
    const found = await sagemaker.send(new DescribeInferenceComponentCommand({ InferenceComponentName }));
    if (found.InferenceComponentStatus === 'InService') return;
    if (found.InferenceComponentStatus === 'Failed')
      throw new Error(`it did not load: ${found.FailureReason}`);
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`the adapter was not in service in ${IN_SERVICE_WITHIN_MS} ms`);
}
