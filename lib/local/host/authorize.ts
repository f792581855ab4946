import type { APIGatewayProxyEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import type { ApiError } from '#api/errors.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { LocalFunction } from './localFunction.ts';
import { matchesWildcard } from './matchesWildcard.ts';
import { STAGE } from './proxyEvent.ts';

const texts = z.union([z.string(), z.array(z.string())]);

/** What an authorizer answers. Source: "Output from an API Gateway Lambda authorizer". */
const AuthorizerAnswer = z.object({
  principalId: z.string(),
  policyDocument: z.object({
    Statement: z.array(z.object({ Action: texts, Effect: z.enum(['Allow', 'Deny']), Resource: texts })),
  }),
  context: z.nullish(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
});
type Statement = z.infer<typeof AuthorizerAnswer>['policyDocument']['Statement'][number];

export type AuthorizerContext = Readonly<Record<string, unknown>>;

/**
 * Asks the authorizer function, as API Gateway does with one of type REQUEST whose identity source is the
 * Authorization header. Refused: `invalid_api_key` where the header is missing or the function throws
 * "Unauthorized", `insufficient_scope` where its policy does not allow. Throws what else the function throws.
 */
export async function authorize(
  authorizer: LocalFunction,
  event: APIGatewayProxyEvent,
): Promise<Result<AuthorizerContext, ApiError>> {
  const header = Object.entries(event.headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  if (header === undefined || header === '') return err(UNAUTHORIZED);
  const arnPath = event.path.replace(/^\//, '');
  const methodArn = `arn:aws:execute-api:us-east-1:000000000000:local/${STAGE}/${event.httpMethod}/${arnPath}`;
  let answer: unknown;
  try {
    const { body: _, isBase64Encoded: __, ...withoutBody } = event;
    answer = await authorizer.invoke({ ...withoutBody, type: 'REQUEST', methodArn });
  } catch (error) {
    if (error instanceof Error && error.message === 'Unauthorized') return err(UNAUTHORIZED);
    throw error;
  }
  const { principalId, policyDocument, context } = AuthorizerAnswer.parse(answer);
  if (!allows(policyDocument.Statement, methodArn)) return err(FORBIDDEN);
  return ok({ ...context, principalId, integrationLatency: 0 });
}

const UNAUTHORIZED: ApiError = {
  code: 'invalid_api_key',
  message: 'The API key is missing or not valid. Send it as "Authorization: Bearer <key>".',
};

const FORBIDDEN: ApiError = {
  code: 'insufficient_scope',
  message: 'This key may not call this route. Use a key with the scope that it needs.',
};

/** A statement that denies wins; without one that allows, nothing is allowed. */
function allows(statements: readonly Statement[], arn: string): boolean {
  const fitting = statements.filter(
    (s) => matchesAny(s.Action, 'execute-api:Invoke') && matchesAny(s.Resource, arn),
  );
  return fitting.length > 0 && fitting.every((s) => s.Effect === 'Allow');
}

const matchesAny = (patterns: string | readonly string[], text: string): boolean =>
  [patterns].flat().some((pattern) => matchesWildcard(pattern, text));
