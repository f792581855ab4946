import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import type { Component } from './componentFile.ts';
import type { Components } from './components.ts';
import { AwsError, readBody, sendJson } from './http.ts';
import { listComponents } from './listComponents.ts';
import { parseInput } from './parseInput.ts';
import { type TrainingParts, trainingOperation } from './training/operations.ts';

const MAX_BODY_BYTES = 1024 * 1024;
const TARGET_PREFIX = 'SageMaker.';
/** Every component has as many copies as there are processes of this server. */
const COPIES = 1;

const Name = z.string().check(z.maxLength(63), z.regex(/^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/u));
const NameInput = z.object({ InferenceComponentName: z.string() });
const ArtifactUrl = z.string().check(z.maxLength(1024), z.regex(/^(https|s3|file):\/\//u));
const CreateInput = z.object({
  InferenceComponentName: Name,
  EndpointName: z.string(),
  Specification: z.object({
    BaseInferenceComponentName: z.string(),
    Container: z.object({ ArtifactUrl }),
  }),
});
const UpdateInput = z.object({
  InferenceComponentName: z.string(),
  Specification: z.object({
    BaseInferenceComponentName: z.optional(z.string()),
    Container: z.object({ ArtifactUrl }),
  }),
});

/** Answers SageMaker's control API (JSON 1.1), as far as training and serving adapters need it. */
export async function controlApi(
  { components, training }: { readonly components: Components; readonly training: TrainingParts },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = request.headers['x-amz-target'];
  const operation = typeof target === 'string' ? target.replace(TARGET_PREFIX, '') : '';
  const body = parseJson(await readBody(request, MAX_BODY_BYTES));
  const given = request.headers['x-amz-security-token'];
  const token = typeof given === 'string' ? given : undefined;
  const answer =
    (await trainingOperation(training, { operation, body, token })) ?? run(components, operation, body);
  sendJson(response, 200, answer, { 'content-type': 'application/x-amz-json-1.1' });
}

function run(components: Components, operation: string, body: unknown): unknown {
  switch (operation) {
    case 'CreateInferenceComponent': {
      const input = parseInput(CreateInput, body);
      const created = components.create({
        name: input.InferenceComponentName,
        endpointName: input.EndpointName,
        baseComponentName: input.Specification.BaseInferenceComponentName,
        artifactUrl: input.Specification.Container.ArtifactUrl,
      });
      return { InferenceComponentArn: arnOf(created.name) };
    }
    case 'UpdateInferenceComponent':
      return update(components, parseInput(UpdateInput, body));
    case 'DescribeInferenceComponent':
      return description(components.describe(parseInput(NameInput, body).InferenceComponentName));
    case 'DeleteInferenceComponent':
      components.remove(parseInput(NameInput, body).InferenceComponentName);
      return {};
    case 'ListInferenceComponents': {
      const { shown, next } = listComponents(components.list(), body);
      return { InferenceComponents: shown.map(summary), ...(next === undefined ? {} : { NextToken: next }) };
    }
    default:
      throw new AwsError('UnknownOperationException', 400, `The local SageMaker does not know ${operation}.`);
  }
}

function update(components: Components, input: z.infer<typeof UpdateInput>): unknown {
  const { InferenceComponentName: name, Specification } = input;
  const { baseId } = components.describe(name);
  if ((Specification.BaseInferenceComponentName ?? baseId) !== baseId)
    throw new AwsError(
      'ValidationException',
      400,
      `The base of inference component "${name}" cannot change.`,
    );
  return { InferenceComponentArn: arnOf(components.update(name, Specification.Container.ArtifactUrl).name) };
}

const summary = (component: Component) => ({
  InferenceComponentName: component.name,
  InferenceComponentArn: arnOf(component.name),
  EndpointName: component.endpointName,
  EndpointArn: `arn:aws:sagemaker:us-east-1:000000000000:endpoint/${component.endpointName}`,
  VariantName: 'AllTraffic',
  InferenceComponentStatus: component.status,
  CreationTime: component.createdAtMs / 1000,
  LastModifiedTime: component.updatedAtMs / 1000,
});

const description = (component: Component) => ({
  ...summary(component),
  ...(component.failureReason === null ? {} : { FailureReason: component.failureReason }),
  RuntimeConfig: {
    DesiredCopyCount: COPIES,
    CurrentCopyCount: component.status === 'InService' || component.status === 'Updating' ? COPIES : 0,
  },
  Specification:
    component.artifactUrl === null
      ? { ModelName: component.baseId }
      : {
          BaseInferenceComponentName: component.baseId,
          Container: { ArtifactUrl: component.artifactUrl },
        },
});

const arnOf = (name: string): string =>
  `arn:aws:sagemaker:us-east-1:000000000000:inference-component/${name}`;

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
