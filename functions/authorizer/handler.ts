import { makeAuthorizerHandler } from '#api/edge/authorizerHandler.ts';
import { wireAuthorizer } from '#io/wire/authorizer.ts';

const { authentication, log } = wireAuthorizer(process.env);

/** Says who calls, in front of every route of the control function but `/healthz`. */
export const handler = makeAuthorizerHandler(authentication, log);
