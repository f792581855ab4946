import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { checkoutRoutes } from './checkoutRoutes.ts';
import { makeDeliveries } from './deliveries.ts';
import { HttpError, type StandInRequest, type StandInResponse, serveRoutes } from './http.ts';
import { licenceRoutes } from './licences.ts';
import { merchantRoutes } from './merchantApi.ts';
import { createProduct } from './payments.ts';
import { seedPlans } from './seedPlans.ts';
import type { Shop } from './shop.ts';
import { type ApiFault, simulationRoutes } from './simulation.ts';
import { openState } from './state.ts';
import { subscriptionRoutes } from './subscriptionApi.ts';
import { usageEventRoutes } from './usageEvents.ts';

export type StandInOptions = {
  /** 0: any free port of 127.0.0.1. */
  readonly port: number;
  /** Keeps the state over restarts; absent: in memory. */
  readonly dataDir?: string;
  readonly apiKey: string;
  readonly webhookKey: string;
  readonly webhookUrl?: string;
  /** Multiplies the delays between delivery attempts; 1 is Dodo's own schedule. */
  readonly retryScale?: number;
  /** The credit packs whose products exist from the start. */
  readonly packsFile: string;
  /** The plans that can be subscribed to. */
  readonly plansFile: string;
};

export type StandIn = { readonly url: string; readonly close: () => Promise<void> };

/** Paths that a buyer's browser or a test opens without the merchant's key. */
const OPEN_PATHS = /^\/(checkout|buy|_sim)\//;

/** Starts a Dodo Payments on this machine that the real SDK and `standardwebhooks` talk to. */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const { state, save } = openState(
    options.dataDir === undefined ? undefined : join(options.dataDir, 'dodo.json'),
  );
  const newId = (prefix: string) => `${prefix}${randomBytes(12).toString('hex')}`;
  const deliveries = makeDeliveries(state, save, newId, {
    webhookUrl: options.webhookUrl,
    webhookKey: options.webhookKey,
    retryScale: options.retryScale ?? 1,
  });
  let clockOffsetMs = 0;
  const shop: Shop = {
    state,
    save,
    newId,
    deliveries,
    nextCharges: [],
    now: () => Date.now() + clockOffsetMs,
    setClock: (nowMs) => {
      clockOffsetMs = nowMs - Date.now();
    },
  };
  seedProducts(shop, options.packsFile);
  seedPlans(shop, options.plansFile);

  const faults: ApiFault[] = [];
  let url = '';
  const routes = [
    ...merchantRoutes(shop, () => url),
    ...subscriptionRoutes(shop),
    ...usageEventRoutes(shop),
    ...licenceRoutes(shop),
    ...checkoutRoutes(shop),
    ...simulationRoutes(shop, faults),
  ];
  const server = serveRoutes(routes, async (request, next) => {
    if (OPEN_PATHS.test(request.url.pathname)) {
      refuseOtherSites(request, url);
      return next();
    }
    requireKey(request, options.apiKey);
    return withFault(faults, request, next);
  });
  url = await listen(server, options.port);
  deliveries.pump();
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        deliveries.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const packsSchema = z.object({
  autoRefill: z.optional(z.object({ dodoProductId: z.string() })),
  packs: z.array(
    z.object({
      name: z.string(),
      dodoProductId: z.string(),
      priceMinorUnits: z.int(),
      currency: z.literal('USD'),
    }),
  ),
});

function seedProducts(shop: Shop, packsFile: string): void {
  const { packs, autoRefill } = packsSchema.parse(JSON.parse(readFileSync(packsFile, 'utf8')));
  if (autoRefill !== undefined) seedRefillProduct(shop, autoRefill.dodoProductId);
  for (const pack of packs) {
    createProduct(shop, {
      product_id: pack.dodoProductId,
      name: pack.name,
      tax_category: 'digital_products',
      price: { type: 'one_time_price', currency: pack.currency, price: pack.priceMinorUnits },
    });
  }
}

function seedRefillProduct(shop: Shop, productId: string): void {
  createProduct(shop, {
    product_id: productId,
    name: 'Automatic refill',
    tax_category: 'digital_products',
    price: {
      type: 'recurring_price',
      currency: 'USD',
      price: 100,
      discount: 0,
      purchasing_power_parity: false,
      payment_frequency_count: 1,
      payment_frequency_interval: 'Month',
      subscription_period_count: 10,
      subscription_period_interval: 'Year',
    },
  });
}

function requireKey(request: StandInRequest, apiKey: string): void {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${apiKey}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new HttpError(401, 'UNAUTHORIZED', 'the API key is missing or wrong');
  }
}

// Whoever sits at this machine may pay and refund; a page of another site that is open in the browser may not.
function refuseOtherSites(request: StandInRequest, url: string): void {
  const { origin, host } = request.headers;
  const own = new URL(url);
  if (host !== own.host && host !== `localhost:${own.port}`) {
    throw new HttpError(403, 'FORBIDDEN', 'the stand-in answers to its own address alone');
  }
  if (request.method !== 'GET' && origin !== undefined && origin !== `http://${host}`) {
    throw new HttpError(403, 'FORBIDDEN', 'another site may not act here');
  }
}

async function withFault(
  faults: ApiFault[],
  request: StandInRequest,
  next: () => Promise<StandInResponse>,
): Promise<StandInResponse> {
  const fault = faults.find(
    (f) =>
      f.times > 0 &&
      (f.method === '*' || f.method === request.method) &&
      request.url.pathname.startsWith(f.path),
  );
  if (fault === undefined) return next();
  fault.times -= 1;
  if (fault.kind === 'hang') {
    await new Promise((resolve) => setTimeout(resolve, fault.after_ms).unref());
    return next();
  }
  if (fault.kind === 'drop') {
    await next();
    return { status: 0, drop: true };
  }
  throw new HttpError(fault.kind, 'SIMULATED_FAULT', 'a fault that was asked for');
}

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`);
    });
  });
}
