import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import type { FunctionDefinition } from '#io/definitions/functions.ts';
import { isStreaming, type LambdaStream } from './lambdaStream.ts';

/** One Lambda function of this process. */
export type LocalFunction = {
  readonly name: string;
  readonly arn: string;
  readonly definition: FunctionDefinition;
  readonly streaming: boolean;
  /** Runs the handler. Throws what it throws, or `TimedOut` when it takes longer than its definition allows. */
  readonly invoke: (event: unknown, timeoutMs?: number) => Promise<unknown>;
  readonly invokeStreaming: (event: unknown, stream: LambdaStream) => Promise<void>;
};

/** A handler as a function's module exports it. */
export type Handler = (...args: readonly unknown[]) => unknown;

export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

/** Wraps a handler so that it can be called as Lambda calls it: with a context, and within its time. */
export function makeLocalFunction(
  name: string,
  definition: FunctionDefinition,
  handler: Handler,
): LocalFunction {
  const arn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:tunegate-${name}`;
  const functionTimeoutMs = definition.timeoutSeconds * 1_000;

  async function within<T>(timeoutMs: number, run: (context: Context) => T | Promise<T>): Promise<T> {
    const deadlineMs = Date.now() + timeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TimedOut(`${name} timed out after ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([run(contextOf(deadlineMs)), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  const contextOf = (deadlineMs: number): Context => ({
    callbackWaitsForEmptyEventLoop: true,
    functionName: `tunegate-${name}`,
    functionVersion: '$LATEST',
    invokedFunctionArn: arn,
    memoryLimitInMB: String(definition.memoryMb),
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/tunegate-${name}`,
    logStreamName: `local/${process.pid}`,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  });

  return {
    name,
    arn,
    definition,
    streaming: isStreaming(handler),
    invoke: (event, timeoutMs = functionTimeoutMs) =>
      within(Math.min(timeoutMs, functionTimeoutMs), (context) => handler(event, context)),
    invokeStreaming: async (event, stream) => {
      await within(functionTimeoutMs, (context) => handler(event, stream, context));
      if (!stream.writableEnded && !stream.destroyed) stream.end();
    },
  };
}
