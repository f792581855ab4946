import type { Environment, InferenceSettings } from '#infra/environments.ts';
import type { FunctionUses } from '#io/definitions/functions.ts';
import { ENDPOINT, SETTINGS } from '#io/definitions/resources.ts';

/** The variables of a function that differ between environments, as far as it uses them. */
export function functionSettings(
  uses: FunctionUses,
  environment: Environment,
): Readonly<Record<string, string>> {
  const { topUpUrl, dodoEnvironment, noticeFrom, alarmEmail } = environment;
  return {
    ...(uses.trainingSettings === true ? trainingSettings(environment) : {}),
    ...(uses.readsAwsCosts === true ? awsCostSettings(environment) : {}),
    ...(uses.namesEndpoints === true
      ? { [SETTINGS.endpointPrices]: JSON.stringify(endpointPrices(environment)) }
      : {}),
    ...(uses.topUpUrl === true ? { [SETTINGS.topUpUrl]: topUpUrl } : {}),
    ...(uses.callsDodo === true ? { [SETTINGS.dodoEnvironment]: dodoEnvironment } : {}),
    ...(uses.sendsMail === true ? { [SETTINGS.noticeFrom]: noticeFrom } : {}),
    ...(uses.sendsMail === true && alarmEmail !== undefined ? { [SETTINGS.agencyEmail]: alarmEmail } : {}),
  };
}

const trainingSettings = (environment: Environment) => ({
  [SETTINGS.maxLoraRank]: String(environment.inference.maxLoraRank),
  [SETTINGS.trainingSlotsPerTenant]: String(environment.training.slotsPerTenant),
  [SETTINGS.trainingSlots]: String(environment.training.slots),
  [SETTINGS.trainingNamePrefix]: trainingNamePrefix(environment),
  [SETTINGS.trainingUsdPerHour]: String(environment.training.instanceUsdPerHour),
});

const awsCostSettings = (environment: Environment) => ({
  [SETTINGS.endpointPrices]: JSON.stringify(endpointPrices(environment)),
  [SETTINGS.trainingNamePrefix]: trainingNamePrefix(environment),
  ...(environment.awsExport === undefined
    ? {}
    : {
        [SETTINGS.awsExportBucket]: environment.awsExport.bucket,
        [SETTINGS.awsExportPrefix]: environment.awsExport.prefix,
      }),
});

function endpointPrices(environment: Environment) {
  const { inference, dedicatedEndpoints } = environment;
  const shared = endpointName(environment);
  const price = (name: string, { instanceUsdPerHour, maxInstances }: InferenceSettings) => ({
    name,
    usdPerHour: instanceUsdPerHour,
    maxInstances,
  });
  return [
    price(shared, inference),
    ...Object.entries(dedicatedEndpoints).map(([name, own]) =>
      price(`${shared}-${name}`, { ...inference, ...own }),
    ),
  ];
}

/** The endpoint that tenants share; a tenant's own has its short name behind this. */
export const endpointName = ({ name }: Environment): string => `tunegate-${name}-${ENDPOINT.name}`;

/** Names of training jobs are unique in an account, which several environments may share. */
export const trainingNamePrefix = ({ name }: Environment): string => `tunegate-${name}`;
