import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';

/** One demonstration tenant: what it is called, what it pays by, and the adapter that answers it. */
export type DemoTenant = {
  readonly name: string;
  readonly priceBook: string;
  /** The model name that its applications use. */
  readonly model: string;
  readonly adapter: DemoAdapter;
};

export type DemoAdapter = {
  readonly adapterId: string;
  readonly componentName: string;
  readonly directory: string;
};

export const DEMO_BASE_MODEL = 'tunegate-nano';

/** The demonstration tenants. An adapter's name carries its content's hash: trained again, it is another adapter. */
export const demoTenants = (): readonly DemoTenant[] =>
  DEMO_TENANTS.map(({ slug, name, modelAlias: model, priceBook, adapterDirectory: directory }) => {
    if (!existsSync(directory)) {
      throw new Error(`the adapter of ${name} is missing in ${directory}: npm run demo:train makes it`);
    }
    const hash = hashOf(directory);
    const adapter = { adapterId: `adp_${slug}-${hash}`, componentName: `adp-${slug}-${hash}`, directory };
    return { name, model, priceBook, adapter };
  });

function hashOf(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory).sort())
    hash.update(name).update(readFileSync(join(directory, name)));
  return hash.digest('hex').slice(0, 12);
}
