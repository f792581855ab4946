import { SESv2Client } from '@aws-sdk/client-sesv2';
import { sendNotices } from '#core/notices/sendNotices.ts';
import { parseSecretList } from '#core/tenants/apiKey.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { SECRETS, SETTINGS, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { engineRules } from '#io/engines/engineRules.ts';
import { makeNoticeContacts } from '#io/notices/contacts.ts';
import { makeEmailChannel } from '#io/notices/emailChannel.ts';
import { makeWebhookChannel } from '#io/notices/webhookChannel.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the send-notices function works with. */
export function wireSendNotices(env: Environment) {
  const { logger, metrics } = makeObservability('send-notices');
  const dynamoDb = makeDynamoDb();
  const readSecret = makeSecretReader(env);
  const secretId = requireVariable(env, SECRETS.noticeKey.env);
  const directory = makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env));
  const deps = {
    outbox: makeNoticeOutbox(dynamoDb, requireVariable(env, TABLES.billing.env)),
    channels: {
      email: makeEmailChannel(new SESv2Client({ maxAttempts: 1 }), requireVariable(env, SETTINGS.noticeFrom)),
      webhook: makeWebhookChannel({
        secrets: async () => parseSecretList(await readSecret(secretId)),
        ...engineRules(env),
        clock: systemWorld.clock,
      }),
    },
    contacts: makeNoticeContacts(directory, env[SETTINGS.agencyEmail] || undefined),
    clock: systemWorld.clock,
  };
  return {
    send: async (): Promise<void> => {
      for (const { id, state, sentBy, attempts, lastError } of await sendNotices(deps)) {
        const fields = { id, state, sentBy, attempts, lastError };
        logger[lastError === null ? 'info' : 'warn']('notice', fields);
        if (state === 'failed') metrics.singleMetric().addMetric(METRICS.failedNotices.name, 'Count', 1);
      }
    },
  };
}
