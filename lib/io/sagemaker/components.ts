import {
  DescribeInferenceComponentCommand,
  type DescribeInferenceComponentCommandOutput,
  type InferenceComponentStatus,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type { ComponentState } from '#core/adapters/ports.ts';

/** What SageMaker's statuses mean to us. A failed update leaves what was in service before; whoever looks then sees it serve. */
export const STATES: Readonly<Record<InferenceComponentStatus, ComponentState['status']>> = {
  Creating: 'creating',
  Updating: 'creating',
  InService: 'in_service',
  Failed: 'failed',
  Deleting: 'deleting',
};

/** A component by its name; undefined when there is none. */
export async function describeComponent(
  control: SageMakerClient,
  InferenceComponentName: string,
): Promise<DescribeInferenceComponentCommandOutput | undefined> {
  try {
    return await control.send(new DescribeInferenceComponentCommand({ InferenceComponentName }));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Copies of a base that may answer; none where the base itself is gone. */
export async function copiesOf(control: SageMakerClient, baseComponent: string): Promise<number> {
  const base = await describeComponent(control, baseComponent);
  return base === undefined ? 0 : (base.RuntimeConfig?.CurrentCopyCount ?? 1);
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

export const isMissing = (error: unknown): boolean =>
  nameOf(error) === 'ValidationException' && /could not find|does not exist/iu.test(messageOf(error));
