import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { S3Refusal } from './s3Refusal.ts';

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** What of a request is signed. `target` is the path and query exactly as they came. */
export type SignedRequest = {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

const MAX_SKEW_MS = 15 * 60 * 1_000;
const MAX_PRESIGNED_SECONDS = 7 * 24 * 60 * 60;
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;
const SHA256_HEX = /^[0-9a-f]{64}$/;

type Signature = {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payloadHash: string;
  readonly query: readonly (readonly [string, string])[];
};

/**
 * Checks Signature Version 4, in the header or presigned in the address, over method, path, query, headers and body.
 * Throws `S3Refusal` with the code that AWS would answer. Source: "Authenticating Requests", S3 API reference.
 */
export function verifySignature(request: SignedRequest, credentials: Credentials, nowMs: number): void {
  const query = parseQuery(request.target);
  const signature =
    request.headers.authorization === undefined
      ? presigned(query, request, nowMs)
      : fromHeader(request.headers.authorization, query, request, nowMs);
  const scope = readScope(signature.credential, credentials);
  if (!signature.signedHeaders.includes('host')) {
    throw new S3Refusal('AccessDenied', 'The host header must be signed.');
  }
  const canonical = [
    request.method,
    canonicalPath(request.target),
    canonicalQuery(signature.query),
    ...signature.signedHeaders.map((name) => `${name}:${headerValue(request.headers, name)}`),
    '',
    signature.signedHeaders.join(';'),
    signature.payloadHash,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', signature.date, scope.text, sha256(canonical)].join('\n');
  if (!equal(hmac(signingKey(credentials, scope), toSign).toString('hex'), signature.signature)) {
    throw new S3Refusal('SignatureDoesNotMatch', 'The signature does not match the request and the key.');
  }
  if (SHA256_HEX.test(signature.payloadHash) && signature.payloadHash !== sha256(request.body)) {
    throw new S3Refusal('XAmzContentSHA256Mismatch', 'The body is not the one that was signed.');
  }
}

/** Checks the signature of a POST policy: over its base64 text alone. */
export function verifyPolicySignature(
  policy: { readonly base64: string; readonly credential: string; readonly signature: string },
  credentials: Credentials,
): void {
  const scope = readScope(policy.credential, credentials);
  if (!equal(hmac(signingKey(credentials, scope), policy.base64).toString('hex'), policy.signature)) {
    throw new S3Refusal('SignatureDoesNotMatch', 'The signature does not match the policy and the key.');
  }
}

function fromHeader(
  authorization: string,
  query: Signature['query'],
  request: SignedRequest,
  nowMs: number,
): Signature {
  const match = AUTHORIZATION.exec(authorization);
  const date = headerValue(request.headers, 'x-amz-date');
  if (match === null) throw new S3Refusal('AccessDenied', 'The Authorization header is malformed.');
  const [, credential = '', signedHeaders = '', signature = ''] = match;
  if (!(Math.abs(nowMs - parseAmzDate(date)) <= MAX_SKEW_MS)) {
    throw new S3Refusal('RequestTimeTooSkewed', 'The request was signed too long ago, or in the future.');
  }
  // Only S3 sends the hash of the body as a header; other services always sign the body itself.
  const payloadHash = headerValue(request.headers, 'x-amz-content-sha256') || sha256(request.body);
  return { credential, signedHeaders: signedHeaders.split(';'), signature, date, payloadHash, query };
}

function presigned(query: Signature['query'], request: SignedRequest, nowMs: number): Signature {
  const read = (name: string): string => query.find(([key]) => key === name)?.[1] ?? '';
  const signature = read('X-Amz-Signature');
  if (signature === '') throw new S3Refusal('AccessDenied', 'Access Denied');
  const seconds = Number(read('X-Amz-Expires'));
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_PRESIGNED_SECONDS) {
    throw new S3Refusal('AccessDenied', 'X-Amz-Expires must be between 1 and 604800 seconds.');
  }
  const date = read('X-Amz-Date');
  const signedAtMs = parseAmzDate(date);
  if (!(nowMs <= signedAtMs + seconds * 1_000 && signedAtMs <= nowMs + MAX_SKEW_MS)) {
    throw new S3Refusal('AccessDenied', 'Request has expired');
  }
  const signedHeaders = read('X-Amz-SignedHeaders').split(';');
  const payloadHash = signedHeaders.includes('x-amz-content-sha256')
    ? headerValue(request.headers, 'x-amz-content-sha256')
    : read('X-Amz-Content-Sha256') || 'UNSIGNED-PAYLOAD';
  return {
    credential: read('X-Amz-Credential'),
    signedHeaders,
    signature,
    date,
    payloadHash,
    query: query.filter(([key]) => key !== 'X-Amz-Signature'),
  };
}

type Scope = {
  readonly text: string;
  readonly day: string;
  readonly region: string;
  readonly service: string;
};

function readScope(credential: string, credentials: Credentials): Scope {
  const [accessKeyId = '', day = '', region = '', service = '', end = ''] = credential.split('/');
  if (accessKeyId !== credentials.accessKeyId) {
    throw new S3Refusal('InvalidAccessKeyId', 'The access key id does not exist here.');
  }
  if (end !== 'aws4_request') throw new S3Refusal('AccessDenied', 'The credential is malformed.');
  return { text: `${day}/${region}/${service}/aws4_request`, day, region, service };
}

const signingKey = (credentials: Credentials, scope: Scope): Buffer =>
  [scope.day, scope.region, scope.service, 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );

function parseQuery(target: string): Signature['query'] {
  const [, raw = ''] = splitOnce(target, '?');
  return raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name, value] = splitOnce(pair, '=');
      return [decode(name), decode(value.replaceAll('+', '%20'))] as const;
    });
}

const canonicalPath = (target: string): string =>
  splitOnce(target, '?')[0]
    .split('/')
    .map((segment) => encode(decode(segment)))
    .join('/');

const canonicalQuery = (query: Signature['query']): string =>
  query
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join('&');

function headerValue(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name] ?? '';
  return (Array.isArray(value) ? value.join(',') : value).trim().replace(/ +/g, ' ');
}

/** `20260102T030405Z` as milliseconds; NaN when it is nothing of the kind. */
const parseAmzDate = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Refusal('InvalidArgument', 'The address is not valid percent-encoded UTF-8.');
  }
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

const hmac = (key: Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const equal = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
