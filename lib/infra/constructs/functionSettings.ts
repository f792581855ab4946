import type { Environment } from '#infra/environments.ts';
import type { FunctionUses } from '#io/definitions/functions.ts';
import { SETTINGS } from '#io/definitions/resources.ts';

/** The variables of a function that differ between environments, as far as it uses them. */
export function functionSettings(
  uses: FunctionUses,
  environment: Environment,
): Readonly<Record<string, string>> {
  const { topUpUrl, dodoEnvironment, noticeFrom, alarmEmail } = environment;
  return {
    ...(uses.trainingSettings === true ? trainingSettings(environment) : {}),
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

/** Names of training jobs are unique in an account, which several environments may share. */
export const trainingNamePrefix = ({ name }: Environment): string => `tunegate-${name}`;
