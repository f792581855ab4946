import * as z from 'zod/mini';
import { S3Refusal } from './s3Refusal.ts';
import { type Credentials, verifyPolicySignature } from './signature.ts';

const Size = z.number().check(z.nonnegative());
const PolicyDocument = z.object({
  expiration: z.string(),
  conditions: z.array(
    z.union([
      z.tuple([z.literal('content-length-range'), Size, Size]),
      z.tuple([z.enum(['eq', 'starts-with']), z.string(), z.string()]),
      z.record(z.string(), z.string()),
    ]),
  ),
});
type Condition = z.infer<typeof PolicyDocument>['conditions'][number];

/** Fields that a form may carry without a condition that names them. */
const FREE_FIELDS = new Set(['policy', 'x-amz-signature', 'file', 'bucket']);

export type PostedForm = {
  /** Fields before the file, by lower-case name. */
  readonly fields: Readonly<Record<string, string>>;
  readonly bucket: string;
};

/** Throws `S3Refusal` for a file of another size than the policy allows. */
export type SizeCheck = (fileBytes: number) => void;

/**
 * Checks a browser's form upload against its signed policy: signature, expiry, every condition, no field beyond them.
 * Throws `S3Refusal`; answers what is left to check when the file's size is known. Source: "POST policy", S3 API reference.
 */
export function checkPostPolicy(form: PostedForm, credentials: Credentials, nowMs: number): SizeCheck {
  const base64 = form.fields['policy'];
  if (base64 === undefined) throw new S3Refusal('AccessDenied', 'Access Denied');
  verifyPolicySignature(
    {
      base64,
      credential: form.fields['x-amz-credential'] ?? '',
      signature: form.fields['x-amz-signature'] ?? '',
    },
    credentials,
  );
  const policy = readPolicy(base64);
  if (!(nowMs <= Date.parse(policy.expiration))) invalid('Policy expired.');
  const named = new Set(FREE_FIELDS);
  for (const condition of policy.conditions) {
    for (const name of checkCondition(condition, form)) named.add(name);
  }
  const extra = Object.keys(form.fields).find((name) => !named.has(name) && !name.startsWith('x-ignore-'));
  if (extra !== undefined) invalid(`Extra input fields: ${extra}`);
  return (fileBytes) => {
    for (const condition of policy.conditions) checkSize(condition, fileBytes);
  };
}

function checkSize(condition: Condition, fileBytes: number): void {
  if (!Array.isArray(condition) || condition[0] !== 'content-length-range') return;
  if (fileBytes < condition[1]) throw new S3Refusal('EntityTooSmall', 'The file is below the policy’s size.');
  if (fileBytes > condition[2]) throw new S3Refusal('EntityTooLarge', 'The file is above the policy’s size.');
}

function readPolicy(base64: string): z.infer<typeof PolicyDocument> {
  try {
    return PolicyDocument.parse(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
  } catch {
    return invalid('The policy is not readable.');
  }
}

/** Names of the fields that the condition speaks of. */
function checkCondition(condition: Condition, form: PostedForm): readonly string[] {
  if (!Array.isArray(condition)) {
    for (const [name, value] of Object.entries(condition)) checkField('eq', name.toLowerCase(), value, form);
    return Object.keys(condition).map((name) => name.toLowerCase());
  }
  if (condition[0] === 'content-length-range') return [];
  const name = condition[1].replace(/^\$/, '').toLowerCase();
  checkField(condition[0], name, condition[2], form);
  return [name];
}

function checkField(
  operator: 'eq' | 'starts-with',
  name: string,
  wanted: string,
  { fields, bucket }: PostedForm,
): void {
  const actual = name === 'bucket' ? bucket : (fields[name] ?? '');
  const holds = operator === 'eq' ? actual === wanted : actual.startsWith(wanted);
  if (!holds) invalid(`Policy Condition failed: ["${operator}", "$${name}", "${wanted}"]`);
}

function invalid(what: string): never {
  throw new S3Refusal('AccessDenied', `Invalid according to Policy: ${what}`);
}
