import * as z from 'zod/mini';
import type { TrainingRefused } from '#core/training/ports.ts';

const SdkError = z.object({
  name: z.string(),
  message: z._default(z.string(), ''),
  $metadata: z.optional(z.object({ httpStatusCode: z.optional(z.int()) })),
});
type SdkError = z.infer<typeof SdkError>;

const THROTTLED = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'TimeoutError',
]);
const NO_CAPACITY = /insufficient.{0,20}capacity|unable to provision|CapacityError/iu;
const NOT_FOUND = /not found|could not find/iu;

/** Why a job was not taken; undefined when the call itself failed. By name: bundles may hold two copies of a class. */
export function trainingRefusal(error: unknown): TrainingRefused | undefined {
  const known = read(error);
  if (known === undefined) return undefined;
  const { name, message } = known;
  if (NO_CAPACITY.test(`${name} ${message}`)) return { code: 'capacity', message };
  if (name === 'ResourceLimitExceeded') return { code: 'quota', message };
  if (THROTTLED.has(name) || (known.$metadata?.httpStatusCode ?? 0) >= 500) {
    return { code: 'throttled', message };
  }
  if (name === 'ValidationException') return { code: 'invalid', message };
  return undefined;
}

export const isTaken = (error: unknown): boolean => read(error)?.name === 'ResourceInUse';

export const isValidation = (error: unknown): boolean => read(error)?.name === 'ValidationException';

/** SageMaker says it in a ValidationException, though its model has a ResourceNotFound. */
export function isMissing(error: unknown): boolean {
  const known = read(error);
  if (known === undefined) return false;
  return known.name === 'ResourceNotFound' || (isValidation(error) && NOT_FOUND.test(known.message));
}

const read = (error: unknown): SdkError | undefined => z.safeParse(SdkError, error).data;
