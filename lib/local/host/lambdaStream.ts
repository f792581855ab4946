import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';

/** What a streaming handler says before its first byte. */
export type StreamPrelude = {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
};

/**
 * The response stream of Lambda, on an HTTP response: the head goes out with the first write, a slow reader holds the
 * writer back, and a client that hangs up destroys the stream.
 */
export class LambdaStream extends Writable {
  readonly #response: ServerResponse;
  #prelude: StreamPrelude = {};

  constructor(response: ServerResponse) {
    super({ decodeStrings: true });
    this.#response = response;
    response.once('close', () => {
      if (!response.writableFinished) this.destroy(new ClientGone());
    });
    // Whoever writes hears of it; without a writer an error must not end the process.
    this.on('error', () => undefined);
  }

  setPrelude(prelude: StreamPrelude): void {
    this.#prelude = prelude;
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      this.#sendHead();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (chunk.length === 0 || this.#response.write(chunk)) done();
    else this.#response.once('drain', () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    try {
      this.#sendHead();
      this.#response.end(() => done());
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error !== null && !this.#response.writableEnded && this.#response.headersSent)
      this.#response.destroy();
    done(error);
  }

  #sendHead(): void {
    if (this.#response.headersSent) return;
    const { statusCode = 200, headers = {}, multiValueHeaders = {}, cookies = [] } = this.#prelude;
    for (const [name, value] of Object.entries(headers)) this.#response.setHeader(name, String(value));
    for (const [name, values] of Object.entries(multiValueHeaders)) this.#response.setHeader(name, values);
    if (cookies.length > 0) this.#response.setHeader('set-cookie', cookies);
    this.#response.writeHead(statusCode);
    this.#response.flushHeaders();
  }
}

/** The reader of a stream went away before its end. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE';

  constructor() {
    super('the client closed the connection');
  }
}

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

export const isStreaming = (handler: object): boolean => STREAMING in handler;

/** Puts the `awslambda` global in place that Lambda's own runtime gives to streaming handlers. */
export function installAwsLambdaGlobal(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: object) => Object.assign(handler, { [STREAMING]: 'response' }),
      HttpResponseStream: {
        from: (stream: unknown, prelude: StreamPrelude) => {
          if (stream instanceof LambdaStream) stream.setPrelude(prelude);
          return stream;
        },
      },
    },
  });
}
