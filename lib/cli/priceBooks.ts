import * as z from 'zod/mini';
import type { KeptBook } from '#core/pricing/ports.ts';
import { BookLines } from '#core/pricing/priceBooksFile.ts';
import { bookOf } from '#core/pricing/readPriceBooks.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { ApiClient } from './apiClient.ts';

const VersionBody = z.object({
  id: z.string(),
  version: z.number(),
  effective_from: z.nullable(z.string()),
  ...BookLines.shape,
});

type Named = Pick<KeptBook, 'id' | 'version'>;

/** The path of one version of a price book. */
export const versionPath = ({
  id,
  version,
}: {
  readonly id: string;
  readonly version: string | number;
}): string => `/admin/price-books/${encodeURIComponent(id)}/versions/${encodeURIComponent(version)}`;

/** A published version of a price book as calls are rated by it. Refused by the API when there is none. */
export async function readPriceBook(api: ApiClient, named: Named): Promise<PriceBook> {
  const body = z.parse(VersionBody, await api.call('GET', versionPath(named)));
  const { id, version, effective_from: from, ...lines } = body;
  return bookOf({ id, version, effectiveFromMs: Date.parse(from ?? '') }, lines);
}
