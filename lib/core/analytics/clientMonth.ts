import type { TenantId } from '#core/shared/ids.ts';

export type ModelUsage = { readonly model: string; readonly calls: number; readonly costMicro: number };

/** One client in one month. Money is in minor units, before tax. */
export type ClientMonth = {
  readonly tenantId: TenantId;
  readonly name: string;
  /** What its subscriptions bring a month, at the month's end. */
  readonly recurringMinor: number;
  /** Packs that it paid for, less refunds. */
  readonly packsMinor: number;
  readonly usedMicro: number;
  readonly calls: number;
  readonly computeMs: number;
  readonly models: readonly ModelUsage[];
  /** What its training jobs cost the agency; null: not known in this currency. */
  readonly trainingMinor: number | null;
  /** Its share of what serving cost; null: not known. */
  readonly servingMinor: number | null;
};

/** What a client brought. */
export const revenueOf = ({ recurringMinor, packsMinor }: ClientMonth): number => recurringMinor + packsMinor;

/** What is left of it after training and serving; labour, overhead and fees of payments are not in it. Null: not known. */
export function marginOf(client: ClientMonth): number | null {
  const { trainingMinor, servingMinor } = client;
  if (trainingMinor === null || servingMinor === null) return null;
  return revenueOf(client) - trainingMinor - servingMinor;
}

/** A share of revenue, in hundredths of a percent, rounded to the nearest; null without revenue. */
export const shareOf = (minor: number | null, revenueMinor: number): number | null =>
  minor === null || revenueMinor === 0 ? null : Math.round((minor * 10_000) / revenueMinor);

/** Best first: by what is left where that is known of all, else by what they brought. */
export function rank(clients: readonly ClientMonth[]): {
  readonly by: 'margin' | 'revenue';
  readonly clients: readonly ClientMonth[];
} {
  const by = clients.every((client) => marginOf(client) !== null) ? 'margin' : 'revenue';
  const worth = (client: ClientMonth) => (by === 'margin' ? marginOf(client) : null) ?? revenueOf(client);
  return {
    by,
    clients: clients.toSorted((a, b) => worth(b) - worth(a) || (a.tenantId < b.tenantId ? -1 : 1)),
  };
}
