import { parseId, type TenantId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { PriceWarning } from './lintPriceBooks.ts';
import type { ModelPrice } from './types.ts';

type Names = Pick<Directory, 'readTenant' | 'listTenants' | 'listModels'>;

/** What one look at a book has the time for. Of what is beyond it nothing is said. */
const MAX_TENANTS = 100;

/** Tenants that are not there, and models that none of those has whom their line is for: probably misspelt. */
export async function unknownNames(
  directory: Names,
  prices: readonly ModelPrice[],
): Promise<readonly PriceWarning[]> {
  const named = [...new Set(prices.flatMap(({ tenants = [] }) => tenants))].slice(0, MAX_TENANTS);
  const there = new Set<string>();
  await Promise.all(
    named.map(async (text) => {
      const id = parseId<TenantId>('tenant', text);
      if (id !== undefined && (await directory.readTenant(id)) !== undefined) there.add(id);
    }),
  );
  const isUnknown = (tenant: string) => named.includes(tenant) && !there.has(tenant);
  const modelsOf = await readModels(directory, prices, there);
  return prices.flatMap(({ model, tenants }, at) => {
    const path = `prices[${at}]`;
    const warnings = (tenants ?? []).flatMap((tenant, index) =>
      isUnknown(tenant)
        ? [{ path: `${path}.tenants[${index}]`, message: `is no tenant here: ${tenant}` }]
        : [],
    );
    const asked = tenants ?? [...modelsOf.keys()];
    const isKnown = asked.some((tenant) => modelsOf.get(tenant)?.has(model) !== false);
    if (model === '*' || asked.length === 0 || isKnown) return warnings;
    return [...warnings, { path: `${path}.model`, message: `no tenant of this line has the model ${model}` }];
  });
}

/** Of each tenant the names that its calls and trainings may ask for; empty when there are too many to look at. */
async function readModels(
  directory: Names,
  prices: readonly ModelPrice[],
  named: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const tenants = new Set(named);
  if (prices.some(({ model, tenants: only }) => model !== '*' && only === undefined)) {
    const page = await directory.listTenants({ limit: MAX_TENANTS });
    if (page.nextCursor !== null) return new Map();
    for (const { id } of page.tenants) tenants.add(id);
  }
  const found = new Map<string, ReadonlySet<string>>();
  for (const text of tenants) {
    const id = parseId<TenantId>('tenant', text);
    if (id === undefined) continue;
    const models = await directory.listModels(id);
    found.set(id, new Set(models.flatMap(({ alias, baseModel }) => [alias, baseModel])));
  }
  return found;
}
