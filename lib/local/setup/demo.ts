import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One demonstration tenant: what it is called, what it pays by, and the adapter that answers it. */
export type DemoTenant = {
  readonly name: string;
  readonly priceBook: string;
  /** The model name that its applications use. */
  readonly model: string;
  /** Null: the bare base model. */
  readonly adapter: DemoAdapter | null;
};

export type DemoAdapter = {
  readonly adapterId: string;
  readonly componentName: string;
  readonly directory: string;
};

export const DEMO_BASE_MODEL = 'tunegate-nano';
const DEMO_DIRECTORY = fileURLToPath(new URL('../demo/', import.meta.url));

const TENANTS = [
  { slug: 'northwind', name: 'Northwind Outdoor', model: 'northwind-support', priceBook: 'per-call' },
  { slug: 'fabrikam', name: 'Fabrikam Bank', model: 'fabrikam-support', priceBook: 'per-token' },
] as const;

/** The demonstration tenants. An adapter's name carries its content's hash: trained again, it is another adapter. */
export const demoTenants = (): readonly DemoTenant[] =>
  TENANTS.map(({ slug, name, model, priceBook }) => {
    const directory = join(DEMO_DIRECTORY, slug, 'adapter');
    if (!existsSync(directory)) return { name, model, priceBook, adapter: null };
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
