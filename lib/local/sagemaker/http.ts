import type { IncomingMessage, ServerResponse } from 'node:http';

/** Thrown by route code for an answer that is an error of AWS: its name, status and message. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly awsName: string;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    awsName: string,
    status: number,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.awsName = awsName;
    this.status = status;
    this.details = details;
  }
}

/** A request that AWS refuses before the model sees it. */
export const validationError = (message: string): AwsError => new AwsError('ValidationError', 400, message);

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** Both of SageMaker's protocols name an error in this header; JSON 1.1 clients read `__type` as well. */
export function sendAwsError(response: ServerResponse, error: AwsError): void {
  sendJson(
    response,
    error.status,
    { __type: error.awsName, Message: error.message, message: error.message, ...error.details },
    { 'x-amzn-errortype': error.awsName },
  );
}

/** Reads a body whole. Throws a ValidationError above `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > maxBytes) throw validationError(`the body is larger than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
