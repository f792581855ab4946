import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { LocalEngine } from '#local/engine/engine.ts';
import type { Components } from './components.ts';
import { controlApi } from './control.ts';
import { AwsError, readBody, sendAwsError, sendJson } from './http.ts';
import { invokeEndpoint } from './invoke.ts';
import { AnswerLost } from './training/faults.ts';
import type { TrainingParts } from './training/operations.ts';

const INVOCATION = /^\/endpoints\/([^/]{1,63})\/(invocations|invocations-response-stream)$/u;

const MAX_FAULT_BYTES = 10_000;

type Parts = {
  readonly engines: ReadonlyMap<string, LocalEngine>;
  readonly components: Components;
  readonly training: TrainingParts;
};

/**
 * The local SageMaker over HTTP: the runtime API, the control API, `/ping`, and what AWS has no such way for: `/stats`
 * and `POST /faults`, for people and tests.
 */
export function makeSageMakerServer(parts: Parts): Server {
  return createServer((request, response) => {
    response.on('error', () => undefined); // a caller who left; the abort signal has said so already
    answer(parts, request, response).catch((error: unknown) => {
      if (response.destroyed) return;
      if (error instanceof AnswerLost || response.headersSent) return void response.destroy();
      if (error instanceof AwsError) return sendAwsError(response, error);
      console.error(error);
      sendAwsError(
        response,
        new AwsError('InternalFailure', 500, 'the local SageMaker failed; its log says why'),
      );
    });
  });
}

async function answer(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const invocation = INVOCATION.exec(pathname);
  if (request.method === 'POST' && invocation !== null) {
    const [, name = '', action] = invocation;
    const streaming = action === 'invocations-response-stream';
    return invokeEndpoint({ ...parts, endpointName: decodeURIComponent(name), streaming, request, response });
  }
  if (request.method === 'POST' && pathname === '/') return controlApi(parts, request, response);
  if (request.method === 'GET' && pathname === '/ping') return sendJson(response, 200, {});
  if (request.method === 'GET' && pathname === '/stats') return sendJson(response, 200, stats(parts));
  if (request.method === 'POST' && pathname === '/faults') {
    parts.training.faults.request(readJson(await readBody(request, MAX_FAULT_BYTES)));
    return sendJson(response, 200, {});
  }
  throw new AwsError(
    'UnknownOperationException',
    404,
    `no such operation: ${request.method} ${pathname.slice(0, 80)}`,
  );
}

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

const stats = ({ engines }: Parts): unknown => ({
  rssMb: Math.round(process.memoryUsage.rss() / 1e6),
  engines: [...engines].map(([baseId, engine]) => ({ baseId, ...engine.lanes.stats() })),
});
