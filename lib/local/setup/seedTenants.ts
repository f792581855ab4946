import * as z from 'zod/mini';
import { DEMO_BASE_MODEL, type DemoTenant, demoTenants } from './demo.ts';
import { type AdminCall, seedAdapter } from './seedAdapter.ts';

/** A demonstration tenant as `connection.json` shows it. */
export const SeededTenant = z.object({
  id: z.string(),
  name: z.string(),
  apiKey: z.string(),
  model: z.string(),
});
export type SeededTenant = Readonly<z.infer<typeof SeededTenant>>;

/** Enough for some fine-tuning jobs of a thousand examples, and the calls to try what they made. */
const STARTING_CREDITS = '50';
const REASON = 'demonstration';

const TenantList = z.object({ data: z.array(z.object({ id: z.string(), name: z.string() })) });
const ModelList = z.object({ data: z.array(z.object({ id: z.string(), revision: z.int() })) });
const NewTenant = z.object({ id: z.string() });
const NewKey = z.object({ api_key: z.string() });

export type Seeding = {
  readonly baseUrl: string;
  readonly adminKey: string;
  /** What an earlier start handed out; its keys are kept where they still work, because they are stored nowhere else. */
  readonly known: readonly SeededTenant[];
};

/**
 * Brings the demonstration tenants about over the agency's own API, so that there is no second way to make one.
 * Whatever is there already stays as it is. Throws with the answer of the call that was refused.
 */
export async function seedTenants(seeding: Seeding): Promise<readonly SeededTenant[]> {
  const call = adminCaller(seeding);
  const { data: existing } = TenantList.parse(await call('GET', '/admin/tenants?limit=100'));
  return Promise.all(
    demoTenants().map((demo) =>
      seedTenant(call, seeding, demo, existing.find(({ name }) => name === demo.name)?.id),
    ),
  );
}

async function seedTenant(
  call: AdminCall,
  seeding: Seeding,
  demo: DemoTenant,
  existingId: string | undefined,
): Promise<SeededTenant> {
  const id = existingId ?? (await createTenant(call, demo));
  // Under one idempotency key, so that it is granted once whatever was interrupted.
  await call(
    'POST',
    `/admin/tenants/${id}/credits`,
    { amount: STARTING_CREDITS, reason: REASON },
    `demo-credits-${id}`,
  );
  await giveModel(call, id, demo, await seedAdapter(call, `/admin/tenants/${id}`, demo, REASON));
  const known = seeding.known.find((tenant) => tenant.id === id);
  const apiKey =
    known !== undefined && (await works(seeding.baseUrl, known.apiKey))
      ? known.apiKey
      : await newKey(call, id);
  return { id, name: demo.name, apiKey, model: demo.model };
}

function adminCaller({ baseUrl, adminKey }: Seeding): AdminCall {
  return async (method, path, body, idempotencyKey) => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        'content-type': 'application/json',
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Refused(response.status, `${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
}

class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const createTenant = async (call: AdminCall, { name, priceBook }: DemoTenant): Promise<string> =>
  NewTenant.parse(await call('POST', '/admin/tenants', { name, price_book: priceBook, reason: REASON })).id;

/**
 * Points the tenant's model name at the adapter; where it still points at an older one, it is taken away first. What
 * somebody has rolled out meanwhile stays.
 */
async function giveModel(
  call: AdminCall,
  tenantId: string,
  { model }: DemoTenant,
  adapterId: string,
): Promise<void> {
  const path = `/admin/tenants/${tenantId}/models`;
  const body = {
    alias: model,
    base_model: DEMO_BASE_MODEL,
    adapter_id: adapterId,
    reason: REASON,
  };
  try {
    await call('POST', path, body);
  } catch (error) {
    if (!(error instanceof Refused && error.status === 409)) throw error;
    const { data } = ModelList.parse(await call('GET', path));
    if (data.some(({ id, revision }) => id === model && revision > 0)) return;
    await call('DELETE', `${path}/${model}?reason=${REASON}`);
    await call('POST', path, body);
  }
}

const newKey = async (call: AdminCall, tenantId: string): Promise<string> =>
  NewKey.parse(
    await call('POST', `/admin/tenants/${tenantId}/keys`, { name: 'demonstration', reason: REASON }),
  ).api_key;

async function works(baseUrl: string, apiKey: string): Promise<boolean> {
  const response = await fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${apiKey}` } });
  await response.arrayBuffer();
  return response.ok;
}
