import * as z from 'zod/mini';
import { AwsError } from './http.ts';

/** What an operation was sent, or a ValidationException as AWS words it. */
export function parseInput<T extends z.ZodMiniType>(schema: T, body: unknown): z.output<T> {
  const parsed = z.safeParse(schema, body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AwsError(
    'ValidationException',
    400,
    `1 validation error detected: Value at '${issue?.path.join('.')}' failed to satisfy constraint: ${issue?.message}`,
  );
}
