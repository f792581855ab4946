import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * The SDK's chain of credential providers, cut down to the link that Lambda uses: its role's credentials are in the
 * environment. Bundles put this in the place of `@aws-sdk/credential-provider-node`, whose other links (SSO, web
 * identity, profiles, instance metadata, each with a client of its own) would be a quarter of a function's code.
 */
export const defaultProvider = () => fromEnv();
