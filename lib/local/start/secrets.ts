import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { ENGINE_SECRETS, SECRETS } from '#io/definitions/resources.ts';
import { resourceName } from '#local/services/names.ts';
import { CannotStart } from './cannotStart.ts';
import { writePrivate } from './writePrivate.ts';

const LocalSecrets = z.object({
  keyPepper: z.string(),
  adminKey: z.string(),
  sealKey: z.string(),
  noticeKey: z.string(),
  webhookKey: z.string(),
  dodoApiKey: z.string(),
  awsSecretAccessKey: z.string(),
  /** Bearer tokens of OpenAI-compatible engines, by the names that versions give; written into the file by hand. */
  engines: z.optional(z.record(z.string(), z.string())),
});

/** Folders of before statements were sealed, or notices signed, have no key for it: it is made at the next start. */
const KeptSecrets = z.object({
  ...LocalSecrets.shape,
  sealKey: z.optional(z.string()),
  noticeKey: z.optional(z.string()),
});

/** What this installation alone knows: made at its first start, kept in its data folder. */
export type LocalSecrets = Readonly<z.infer<typeof LocalSecrets>>;

/** Reads the secrets, or makes them. Throws `CannotStart` where the file is damaged. */
export function openSecrets(file: string): LocalSecrets {
  if (existsSync(file)) return readSecrets(file);
  const secrets: LocalSecrets = {
    keyPepper: random(),
    adminKey: `tga_${random()}`,
    sealKey: random(),
    noticeKey: random(),
    webhookKey: `whsec_${randomBytes(32).toString('base64')}`,
    dodoApiKey: `dodo_${random()}`,
    awsSecretAccessKey: random(),
  };
  writePrivate(file, JSON.stringify(secrets, null, 2));
  return secrets;
}

function readSecrets(file: string): LocalSecrets {
  try {
    const { sealKey, noticeKey, ...others } = KeptSecrets.parse(JSON.parse(readFileSync(file, 'utf8')));
    if (sealKey !== undefined && noticeKey !== undefined) return { ...others, sealKey, noticeKey };
    const secrets = { ...others, sealKey: sealKey ?? random(), noticeKey: noticeKey ?? random() };
    writePrivate(file, JSON.stringify(secrets, null, 2));
    return secrets;
  } catch {
    throw new CannotStart(`${file} is damaged: bring it back, or begin anew with --fresh`);
  }
}

/** The secrets as Secrets Manager would hold them, by the ids that functions ask for. */
export const secretValues = (secrets: LocalSecrets): Readonly<Record<string, string>> => ({
  [resourceName(SECRETS.keyPepper.name)]: JSON.stringify([secrets.keyPepper]),
  [resourceName(SECRETS.adminKey.name)]: JSON.stringify([secrets.adminKey]),
  [resourceName(SECRETS.sealKey.name)]: JSON.stringify([secrets.sealKey]),
  [resourceName(SECRETS.noticeKey.name)]: JSON.stringify([secrets.noticeKey]),
  [resourceName(SECRETS.dodo.name)]: JSON.stringify({
    apiKey: secrets.dodoApiKey,
    webhookKeys: [secrets.webhookKey],
  }),
  ...Object.fromEntries(
    Object.entries(secrets.engines ?? {}).map(([name, text]) => [
      resourceName(`${ENGINE_SECRETS}${name}`),
      text,
    ]),
  ),
});

const random = (): string => randomBytes(32).toString('base64url');
