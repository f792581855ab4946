import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create as createTar } from 'tar';
import * as z from 'zod/mini';
import { DEMO_BASE_MODEL, type DemoTenant } from './demo.ts';

/** A call of the agency's API; answers the parsed body and throws what was refused. */
export type AdminCall = (
  method: string,
  path: string,
  body?: unknown,
  idempotencyKey?: string,
) => Promise<unknown>;

const FILES = ['adapter_config.json', 'adapter_model.safetensors', 'lineage.json'];
const DEPLOYED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;

const Adapter = z.object({
  id: z.string(),
  status: z.string(),
  status_details: z.nullable(z.string()),
  sha256: z.object({ weights: z.string() }),
});
const AdapterList = z.object({ data: z.array(Adapter) });
const Upload = z.object({ id: z.string(), url: z.string(), fields: z.record(z.string(), z.string()) });

/**
 * Registers a demonstration's adapter over the agency's own API and waits until it is deployed; one that is there
 * already is only looked after. Answers its id. Throws when it cannot be deployed.
 */
export async function seedAdapter(
  call: AdminCall,
  tenantPath: string,
  demo: DemoTenant,
  reason: string,
): Promise<string> {
  const weights = readFileSync(join(demo.adapterDirectory, 'adapter_model.safetensors'));
  const sha256 = createHash('sha256').update(weights).digest('hex');
  const { data } = AdapterList.parse(await call('GET', `${tenantPath}/adapters?limit=100`));
  const known = data.find((adapter) => adapter.sha256.weights === sha256 && adapter.status !== 'retired');
  const { id } = known ?? (await register(call, tenantPath, demo, reason));
  const path = `${tenantPath}/adapters/${id}`;
  await call('POST', `${path}/deploy`, { reason });
  const deadline = Date.now() + DEPLOYED_WITHIN_MS;
  while (Date.now() < deadline) {
    const { status, status_details } = Adapter.parse(await call('GET', path));
    if (status === 'deployed') return id;
    if (status === 'failed')
      throw new Error(`the adapter of ${demo.name} is not deployed: ${status_details}`);
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`the adapter of ${demo.name} was not deployed in ${DEPLOYED_WITHIN_MS} ms`);
}

async function register(call: AdminCall, tenantPath: string, demo: DemoTenant, reason: string) {
  const packed = createTar({ gzip: true, portable: true, cwd: demo.adapterDirectory }, FILES);
  const chunks: Buffer[] = [];
  for await (const chunk of packed) chunks.push(chunk);
  const archive = Buffer.concat(chunks);
  const upload = Upload.parse(
    await call('POST', `${tenantPath}/adapters/uploads`, { bytes: archive.length }),
  );
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.set(name, value);
  form.set('file', new Blob([archive]), 'adapter.tar.gz');
  const posted = await fetch(upload.url, { method: 'POST', body: form });
  if (!posted.ok) throw new Error(`the storage refused the adapter of ${demo.name} with ${posted.status}`);
  return Adapter.parse(
    await call('POST', `${tenantPath}/adapters`, {
      upload: upload.id,
      base_model: DEMO_BASE_MODEL,
      probes: demo.probes,
      reason,
    }),
  );
}
