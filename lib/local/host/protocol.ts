import { randomUUID } from 'node:crypto';
import { type Server, type ServerOptions, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ApiError, ERRORS, errorBody } from '#api/errors.ts';

/** What a client may take: bytes of headers, and time to send them and the body. */
export const PROTOCOL_LIMITS: ServerOptions = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  // Two requests in one connection's bytes must never be read differently by anybody on the way.
  insecureHTTPParser: false,
  requireHostHeader: true,
  joinDuplicateHeaders: false,
};

const MAX_CONNECTIONS = 4_096;

/** What the HTTP parser refuses, by Node's code of the failure. */
const STATUS_OF_FAILURE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what never becomes a request: malformed HTTP, tunnels, protocol upgrades and expectations. */
export function guardProtocol(server: Server, maxBodyBytes: number, tooLarge: ApiError): void {
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else endWith(socket, STATUS_OF_FAILURE[error.code ?? ''] ?? 400, MALFORMED);
  });
  server.on('connect', (_request, socket) => endWith(socket, 405, NO_TUNNEL));
  server.on('checkContinue', (request, response) => {
    if (Number(request.headers['content-length']) > maxBodyBytes) {
      answer(response.socket, ERRORS[tooLarge.code].status, tooLarge);
      return;
    }
    response.writeContinue();
    server.emit('request', request, response);
  });
  server.on('checkExpectation', (_request, response) => answer(response.socket, 417, BAD_EXPECTATION));
}

const answer = (socket: Duplex | null, status: number, error: ApiError): void => {
  if (socket !== null) endWith(socket, status, error);
};

/** Writes a whole answer to a bare socket and closes it. */
function endWith(socket: Duplex, status: number, error: ApiError): void {
  const body = JSON.stringify(errorBody(error));
  socket.on('error', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${randomUUID()}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

const MALFORMED: ApiError = {
  code: 'invalid_request',
  message: 'The request is not well-formed HTTP, too slow, or its headers are too large.',
};
const NO_TUNNEL: ApiError = { code: 'method_not_allowed', message: 'This server is no proxy.' };
const BAD_EXPECTATION: ApiError = {
  code: 'invalid_request',
  message: 'The only expectation that this server meets is 100-continue.',
};
