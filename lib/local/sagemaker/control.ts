import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import type { Component, Components } from './components.ts';
import { AwsError, readBody, sendJson } from './http.ts';

const MAX_BODY_BYTES = 1024 * 1024;
const TARGET_PREFIX = 'SageMaker.';
const DEFAULT_PAGE = 10;
const MAX_PAGE = 100;

const Name = z.string().check(z.maxLength(63), z.regex(/^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/u));
const CreateInput = z.object({
  InferenceComponentName: Name,
  EndpointName: z.string(),
  Specification: z.object({
    BaseInferenceComponentName: z.string(),
    Container: z.object({ ArtifactUrl: z.string() }),
  }),
});
const NameInput = z.object({ InferenceComponentName: z.string() });
const ListInput = z.object({
  MaxResults: z.optional(z.int().check(z.gte(1), z.lte(MAX_PAGE))),
  NextToken: z.optional(z.string()),
  NameContains: z.optional(z.string()),
  EndpointNameEquals: z.optional(z.string()),
  StatusEquals: z.optional(z.string()),
});

/** Answers SageMaker's control API (JSON 1.1), as far as serving adapters needs it. */
export async function controlApi(
  components: Components,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = request.headers['x-amz-target'];
  const operation = typeof target === 'string' ? target.replace(TARGET_PREFIX, '') : '';
  const body = parseJson(await readBody(request, MAX_BODY_BYTES));
  sendJson(response, 200, await run(components, operation, body), {
    'content-type': 'application/x-amz-json-1.1',
  });
}

async function run(components: Components, operation: string, body: unknown): Promise<unknown> {
  switch (operation) {
    case 'CreateInferenceComponent': {
      const input = parse(CreateInput, body);
      const created = components.create({
        name: input.InferenceComponentName,
        endpointName: input.EndpointName,
        baseComponentName: input.Specification.BaseInferenceComponentName,
        artifactUrl: input.Specification.Container.ArtifactUrl,
      });
      return { InferenceComponentArn: arnOf(created.name) };
    }
    case 'DescribeInferenceComponent':
      return description(components.describe(parse(NameInput, body).InferenceComponentName));
    case 'DeleteInferenceComponent':
      await components.remove(parse(NameInput, body).InferenceComponentName);
      return {};
    case 'ListInferenceComponents':
      return page(components, parse(ListInput, body));
    default:
      throw new AwsError('UnknownOperationException', 400, `The local SageMaker does not know ${operation}.`);
  }
}

function page(components: Components, input: z.infer<typeof ListInput>): unknown {
  const matching = components
    .list()
    .filter(
      (component) =>
        component.name.includes(input.NameContains ?? '') &&
        component.endpointName === (input.EndpointNameEquals ?? component.endpointName) &&
        component.status === (input.StatusEquals ?? component.status),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const rest = matching.filter((component) => component.name > (input.NextToken ?? ''));
  const shown = rest.slice(0, input.MaxResults ?? DEFAULT_PAGE);
  const last = shown.at(-1);
  return {
    InferenceComponents: shown.map(summary),
    ...(last !== undefined && rest.length > shown.length ? { NextToken: last.name } : {}),
  };
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

function parse<T extends z.ZodMiniType>(schema: T, body: unknown): z.output<T> {
  const parsed = z.safeParse(schema, body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AwsError(
    'ValidationException',
    400,
    `1 validation error detected: Value at '${issue?.path.join('.')}' failed to satisfy constraint: ${issue?.message}`,
  );
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
