import { makeAuthorizerHandler } from '#api/edge/authorizerHandler.ts';
import { wireAuthorizer } from '#io/wire/authorizer.ts';

const { authentication, log } = wireAuthorizer(process.env);

/** Says who calls, in front of each route with a key, chat excepted, which asks itself. */
export const handler = makeAuthorizerHandler(authentication, log);
