import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { S3Refusal } from './s3Refusal.ts';
import type { Credentials } from './signature.ts';

/** Tags of a session, by their keys. */
export type SessionTags = Readonly<Record<string, string>>;

const MAX_TAGS = 50;
const VALID_MS = 15 * 60_000;

const Token = z.object({ tags: z.record(z.string(), z.string()), expiresAtMs: z.number() });

/**
 * Answers AssumeRole: the credentials of this machine, with a token that bears the session's tags, so that the local
 * SageMaker can hold a training job to its own prefix as the job's role does in AWS. Throws S3Refusal.
 */
export function assumeRole(form: URLSearchParams, credentials: Credentials, nowMs: number): string {
  if (form.get('Action') !== 'AssumeRole')
    throw new S3Refusal('InvalidArgument', 'The local STS knows AssumeRole alone.');
  const tags: Record<string, string> = {};
  for (let number = 1; number <= MAX_TAGS; number++) {
    const key = form.get(`Tags.member.${number}.Key`);
    if (key === null) break;
    tags[key] = form.get(`Tags.member.${number}.Value`) ?? '';
  }
  const expiresAtMs = nowMs + VALID_MS;
  const body = Buffer.from(JSON.stringify({ tags, expiresAtMs })).toString('base64url');
  const { accessKeyId, secretAccessKey } = credentials;
  return [
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>',
    `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>`,
    `<SessionToken>${body}.${sign(body, secretAccessKey)}</SessionToken>`,
    `<Expiration>${new Date(expiresAtMs).toISOString()}</Expiration>`,
    `</Credentials></AssumeRoleResult><ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></AssumeRoleResponse>`,
  ].join('');
}

/** The tags that a session's token bears; undefined for one that was not given here, or is over. */
export function tagsOf(token: string, secretAccessKey: string, nowMs: number): SessionTags | undefined {
  const [body = '', signature = ''] = token.split('.');
  const own = sign(body, secretAccessKey);
  if (own.length !== signature.length || !timingSafeEqual(Buffer.from(own), Buffer.from(signature)))
    return undefined;
  const { tags, expiresAtMs } = z.parse(Token, JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
  return nowMs < expiresAtMs ? tags : undefined;
}

const sign = (body: string, secret: string): string =>
  createHmac('sha256', secret).update(`session:${body}`).digest('base64url');
