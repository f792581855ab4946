import { createServer } from 'node:http';
import DodoPayments from 'dodopayments';
import { type StandInOptions, startStandIn } from '#local/dodo/standIn.ts';

export const WEBHOOK_KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const API_KEY = 'dodo_test_key';
const PLANS_FILE = new URL('../../layers/price-tables/plans.json', import.meta.url).pathname;
const PACKS_FILE = new URL('../../layers/price-tables/credit-packs.json', import.meta.url).pathname;

export type TestDodo = {
  readonly url: string;
  /** The real SDK, talking to the stand-in. */
  readonly sdk: DodoPayments;
  /** One call of the stand-in's own routes, e.g. `post('/_sim/refund', {…})`. Answers the JSON; throws on an error status. */
  readonly post: (path: string, body?: unknown) => Promise<Record<string, unknown>>;
  readonly stop: () => Promise<void>;
};

/** A Dodo Payments of one's own. */
export async function startTestDodo(options: Partial<StandInOptions> = {}): Promise<TestDodo> {
  const standIn = await startStandIn({
    port: 0,
    apiKey: API_KEY,
    webhookKey: WEBHOOK_KEY,
    packsFile: PACKS_FILE,
    plansFile: PLANS_FILE,
    retryScale: 0.001,
    ...options,
  });
  return {
    url: standIn.url,
    sdk: new DodoPayments({ bearerToken: API_KEY, baseURL: standIn.url, maxRetries: 0 }),
    post: async (path, body = {}) => {
      const response = await fetch(`${standIn.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
      return JSON.parse(text);
    },
    stop: standIn.close,
  };
}

export type ReceivedWebhook = { readonly headers: Record<string, string>; readonly body: string };

/** A webhook receiver that keeps what it gets and answers with `status()`. */
export async function startReceiver(status: () => number = () => 200): Promise<{
  readonly url: string;
  readonly received: ReceivedWebhook[];
  readonly stop: () => Promise<void>;
}> {
  const received: ReceivedWebhook[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    received.push({ headers, body: Buffer.concat(chunks).toString('utf8') });
    response.writeHead(status()).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    received,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
