import { parseArgs } from 'node:util';
import { startStandIn } from './standIn.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    data: { type: 'string' },
    'webhook-url': { type: 'string' },
    'webhook-key': { type: 'string', default: process.env['DODO_PAYMENTS_WEBHOOK_KEY'] ?? '' },
    'api-key': { type: 'string', default: process.env['DODO_PAYMENTS_API_KEY'] ?? '' },
    'retry-scale': { type: 'string', default: '1' },
    plans: {
      type: 'string',
      default: new URL('../../../layers/price-tables/plans.json', import.meta.url).pathname,
    },
    packs: {
      type: 'string',
      default: new URL('../../../layers/price-tables/credit-packs.json', import.meta.url).pathname,
    },
  },
});

if (values['webhook-key'] === '' || values['api-key'] === '') {
  console.error('give --webhook-key and --api-key (or DODO_PAYMENTS_WEBHOOK_KEY and DODO_PAYMENTS_API_KEY)');
  process.exit(1);
}

try {
  const standIn = await startStandIn({
    port: Number(values.port),
    apiKey: values['api-key'],
    webhookKey: values['webhook-key'],
    retryScale: Number(values['retry-scale']),
    packsFile: values.packs,
    plansFile: values.plans,
    ...(values.data === undefined ? {} : { dataDir: values.data }),
    ...(values['webhook-url'] === undefined ? {} : { webhookUrl: values['webhook-url'] }),
  });
  process.stdout.write(`${JSON.stringify({ ready: true, url: standIn.url })}\n`);
  const end = () => void standIn.close().then(() => process.exit(0));
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  // The parent's death closes stdin: nothing that it started may outlive it.
  process.stdin.once('end', end).once('close', end).resume();
} catch (error) {
  console.error(`the Dodo stand-in could not start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
