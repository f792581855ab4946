import { SETTINGS } from '#io/definitions/resources.ts';

/** Where engines may be: see `parseEngineUrl`. */
export const engineRules = (env: Readonly<Record<string, string | undefined>>) => ({
  allowLoopback: env[SETTINGS.loopbackEngines] === 'allowed',
});
