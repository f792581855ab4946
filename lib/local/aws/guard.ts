import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readLimited } from '#local/shared/readLimited.ts';
import { checkBodyDigests } from './bodyDigests.ts';
import { makeConditions } from './conditions.ts';
import { makeForward } from './forward.ts';
import { type FormFields, type FormTarget, takeLargeForm } from './largeForm.ts';
import { checkPostPolicy } from './postPolicy.ts';
import { refusalXml, S3Refusal } from './s3Refusal.ts';
import { type Credentials, verifySignature } from './signature.ts';
import { assumeRole } from './sts.ts';

/** The store behind takes no more in one request; larger objects go up in parts, and forms with them are cut into such. */
const MAX_BODY_BYTES = 11 * 1024 * 1024;
const STS_TYPE = 'application/x-www-form-urlencoded';
const SQS_TYPE = 'application/x-amz-json-1.0';

/**
 * What stands between a client and fauxqs, which believes everybody: checks signatures, POST policies, conditional
 * writes, checksums and sizes as S3 does, and answers a browser's CORS questions. SQS requests are signed too. STS is
 * answered here.
 */
export function makeGuard(upstreamPort: number, credentials: Credentials): Server {
  const forward = makeForward(upstreamPort);
  const withConditions = makeConditions(forward);
  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => writeRefusal(response, asRefusal(error)));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    allowOrigin(request, response);
    if (request.method === 'OPTIONS') return preflight(request, response);
    const type = request.headers['content-type'] ?? '';
    const isForm = request.method === 'POST' && type.startsWith('multipart/form-data');
    if (isForm && Number(request.headers['content-length']) > MAX_BODY_BYTES) {
      await takeLargeForm(request, forward, (form) => checkForm(request.url ?? '/', form));
      response.writeHead(204).end();
      return;
    }
    const body = await readLimited(request, MAX_BODY_BYTES);
    if (body === undefined) {
      response.setHeader('connection', 'close');
      throw new S3Refusal('EntityTooLarge', `A request may carry at most ${MAX_BODY_BYTES} bytes.`);
    }
    const target = request.url ?? '/';
    if (isForm) {
      await checkSmallForm(target, type, body);
      return forward(request, response, { body });
    }
    const signed = { method: request.method ?? 'GET', target, headers: request.headers, body };
    verifySignature(signed, credentials, Date.now());
    if (request.method === 'POST' && type.startsWith(SQS_TYPE)) {
      return forward(request, response, { body, target: '/' });
    }
    if (request.method === 'POST' && type.startsWith(STS_TYPE)) return answerSts(response, body);
    checkBodyDigests(request.headers, body);
    return withConditions(request, response, { body, target });
  }

  function answerSts(response: ServerResponse, body: Buffer): void {
    const answered = assumeRole(new URLSearchParams(body.toString('utf8')), credentials, Date.now());
    response.writeHead(200, { 'content-type': 'text/xml' }).end(answered);
  }

  /** Checks a form's fields; its file's size can be checked with what is answered. */
  function checkForm(target: string, { fields, fileName }: FormFields): FormTarget {
    const key = (fields['key'] ?? '').replace(/\$\{filename\}/g, () => fileName);
    const named = fields['key'] === undefined ? fields : { ...fields, key };
    const bucket = decodeURIComponent(target.split(/[/?]/)[1] ?? '');
    return { bucket, key, checkSize: checkPostPolicy({ fields: named, bucket }, credentials, Date.now()) };
  }

  async function checkSmallForm(target: string, type: string, body: Buffer): Promise<void> {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } })
      .formData()
      .catch(() => {
        throw new S3Refusal('MalformedPOSTRequest', 'The body is not well-formed multipart/form-data.');
      });
    const fields: Record<string, string> = {};
    let fileBytes = 0;
    let fileName = '';
    for (const [name, value] of form) {
      if (typeof value === 'string') fields[name.toLowerCase()] = value;
      else {
        fileBytes = value.size;
        fileName = value.name;
        break; // whatever comes after the file is not read, by S3 and by the store behind
      }
    }
    checkForm(target, { fields, fileName }).checkSize(fileBytes);
  }
}

function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'ETag, x-amz-request-id, x-amz-version-id');
  response.setHeader('vary', 'Origin');
}

function preflight(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('access-control-allow-methods', 'GET, HEAD, PUT, POST, DELETE');
  response.setHeader(
    'access-control-allow-headers',
    request.headers['access-control-request-headers'] ?? '*',
  );
  response.setHeader('access-control-max-age', '600');
  response.writeHead(200).end();
}

function asRefusal(error: unknown): S3Refusal {
  if (error instanceof S3Refusal) return error;
  console.error(error);
  return new S3Refusal('InternalError', 'The storage behind could not answer. See the log.');
}

function writeRefusal(response: ServerResponse, refusal: S3Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(refusal.status, { 'content-type': 'application/xml' });
  response.end(response.req.method === 'HEAD' ? undefined : refusalXml(refusal));
}
