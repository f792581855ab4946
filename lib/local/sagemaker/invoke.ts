import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LocalEngine } from '#local/engine/engine.ts';
import { EngineOverloaded } from '#local/engine/lanes.ts';
import type { Components } from './components.ts';
import { type ContainerAnswer, invokeContainer } from './container.ts';
import { payloadPart, streamException } from './eventStream.ts';
import { AwsError, readBody, validationError } from './http.ts';
import { errorAnswer } from './openAiAnswer.ts';

/** SageMaker's own limit of an invocation's body. */
const MAX_BODY_BYTES = 25 * 1024 * 1024;
const VARIANT = 'AllTraffic';

/** Answers InvokeEndpoint and InvokeEndpointWithResponseStream. */
export async function invokeEndpoint(options: {
  readonly engines: ReadonlyMap<string, LocalEngine>;
  readonly components: Components;
  readonly endpointName: string;
  readonly streaming: boolean;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}): Promise<void> {
  const { engines, components, endpointName, streaming, request, response } = options;
  const gone = new AbortController();
  response.once('close', () => gone.abort(new Error('the caller has left')));

  const body = await readBody(request, MAX_BODY_BYTES);
  const component = components.route(endpointName, headerOf(request, 'x-amzn-sagemaker-inference-component'));
  const engine = engines.get(component.baseId);
  if (engine === undefined)
    throw validationError(`Inference Component ${component.name} has no base model here.`);
  const answer = await invokeContainer(engine, component, body, gone.signal);
  if (answer.kind === 'json' && answer.status !== 200) throw modelError(answer.status, answer.body);
  if (streaming) return respondStream(answer, response);
  return respondWhole(answer, response);
}

async function respondWhole(answer: ContainerAnswer, response: ServerResponse): Promise<void> {
  const headers = { 'x-amzn-invoked-production-variant': VARIANT };
  if (answer.kind === 'json') {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(answer.body));
    return;
  }
  const parts: string[] = [];
  await answer.run((text) => parts.push(text)).catch(asModelError);
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.end(parts.join(''));
}

async function respondStream(answer: ContainerAnswer, response: ServerResponse): Promise<void> {
  const start = (): void => {
    if (response.headersSent) return;
    response.writeHead(200, {
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-sagemaker-content-type': answer.kind === 'json' ? 'application/json' : 'text/event-stream',
      'x-amzn-invoked-production-variant': VARIANT,
    });
  };
  const write = (text: string): void => {
    start();
    response.write(payloadPart(Buffer.from(text)));
  };
  try {
    if (answer.kind === 'json') write(JSON.stringify(answer.body));
    else await answer.run(write);
  } catch (error) {
    if (response.destroyed) return; // the caller has left: nobody to tell
    if (!response.headersSent) asModelError(error);
    console.error(error);
    response.write(
      streamException('ModelStreamError', {
        Message: 'the model stopped answering',
        ErrorCode: 'ModelInvocationFailed',
      }),
    );
  }
  response.end();
}

function asModelError(error: unknown): never {
  if (error instanceof EngineOverloaded) {
    throw modelError(503, errorAnswer({ code: 'overloaded', message: error.message, param: null }));
  }
  throw error;
}

function modelError(status: number, body: unknown): AwsError {
  const original = JSON.stringify(body);
  const side = status < 500 ? 'client' : 'server';
  return new AwsError(
    'ModelError',
    424,
    `Received ${side} error (${status}) from model with message "${original}"`,
    {
      OriginalStatusCode: status,
      OriginalMessage: original,
    },
  );
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
