import middy from '@middy/core';
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import type { Principal } from '#api/http.ts';
import { type Authentication, authenticate } from './authenticate.ts';
import { principalContext } from './readPrincipal.ts';
import type { EdgeLog } from './recordRequests.ts';

/** API Gateway answers 401 when, and only when, an authorizer throws exactly this. */
const UNAUTHORIZED = 'Unauthorized';

/**
 * A REST authorizer of the kind REQUEST, for one call each (no caching: a revoked key is refused at its next
 * call). It lets every genuine caller pass and says who it is; which routes they may use is the routes' own matter.
 */
export function makeAuthorizerHandler(authentication: Authentication, { logger }: Pick<EdgeLog, 'logger'>) {
  return middy<APIGatewayRequestAuthorizerEvent, APIGatewayAuthorizerResult>().handler(async (event) => {
    const requestId = event.requestContext?.requestId ?? 'unknown';
    const principal = await authenticate(authentication, authorizationOf(event));
    if (!principal.ok) {
      logger.info('refused a key', { requestId, code: principal.error.code });
      throw new Error(UNAUTHORIZED);
    }
    return allow(principal.value, event.methodArn);
  });
}

/** The one authorization header; undefined when there is none or more than one. */
function authorizationOf(event: APIGatewayRequestAuthorizerEvent): string | undefined {
  const multi = event.multiValueHeaders ?? {};
  const sent = Object.keys(multi).length > 0 ? Object.entries(multi) : Object.entries(event.headers ?? {});
  const values = sent.flatMap(([name, value]) =>
    name.toLowerCase() === 'authorization' ? (value ?? []) : [],
  );
  return values.length === 1 ? values[0] : undefined;
}

const allow = (principal: Principal, methodArn: string): APIGatewayAuthorizerResult => ({
  principalId: principal.kind === 'client' ? principal.keyId : principal.kind,
  policyDocument: {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }],
  },
  context: principalContext(principal),
});
