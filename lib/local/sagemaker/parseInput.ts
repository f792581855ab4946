import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { AwsError } from './http.ts';

/** What an operation was sent, or a ValidationException as AWS words it. */
export function parseInput<T extends z.ZodMiniType>(schema: T, body: unknown): z.output<T> {
  const parsed = z.safeParse(schema, body, { reportInput: true });
  if (parsed.success) return parsed.data;
  const { path, message } = describeIssue(parsed.error);
  throw new AwsError(
    'ValidationException',
    400,
    `1 validation error detected: Value at '${path}' failed to satisfy constraint: Member ${message}`,
  );
}
