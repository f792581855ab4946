import { isShortName } from '#api/control/versions.ts';
import { endpointName, functionSettings } from './constructs/functionSettings.ts';
import type { Environment } from './environments.ts';

/** Of an endpoint and of an inference component, at SageMaker. */
const MAX_NAME = 63;
/** Lambda gives a function 4 KB for all its variables; the others of those that know the endpoints need less than the rest. */
const MAX_ENDPOINTS_BYTES = 2_560;

/**
 * Throws one line when the endpoints of single tenants could not be deployed, or not be named by a model afterwards:
 * CloudFormation would find out when half of them are there.
 */
export function checkEndpoints(environment: Environment): void {
  const { dedicatedEndpoints, inference } = environment;
  for (const name of Object.keys(dedicatedEndpoints)) {
    if (!isShortName(name))
      throw new Error(`dedicatedEndpoints: "${name}" must be small letters, digits and hyphens between them`);
    for (const made of [`${endpointName(environment)}-${name}`, `${inference.baseComponent}-${name}`]) {
      if (made.length > MAX_NAME)
        throw new Error(
          `dedicatedEndpoints: ${made} has more than ${MAX_NAME} characters: shorten "${name}"`,
        );
    }
  }
  const variables = Object.values(functionSettings({ namesEndpoints: true }, environment)).join('');
  if (Buffer.byteLength(variables) > MAX_ENDPOINTS_BYTES) {
    const count = Object.keys(dedicatedEndpoints).length;
    throw new Error(
      `dedicatedEndpoints: ${count} are more than a function can be told of: give some tenants an environment of their own`,
    );
  }
}
