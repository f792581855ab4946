import type { StandInRequest } from './http.ts';

const MAX_PAGE = 100;

/** The page that a request asks for. Pages count from 0; the SDK's own pagination starts at what `page_number` says. */
export function page<T extends { readonly created_at: string; readonly status?: string | null }>(
  request: StandInRequest,
  all: readonly T[],
): { readonly items: readonly T[] } {
  const status = request.url.searchParams.get('status');
  const since = Date.parse(request.url.searchParams.get('created_at_gte') ?? '1970-01-01');
  const items = all.filter(
    (item) => (status === null || item.status === status) && Date.parse(item.created_at) >= since,
  );
  const size = Math.min(Number(request.url.searchParams.get('page_size') ?? 10) || 10, MAX_PAGE);
  const number = Number(request.url.searchParams.get('page_number') ?? 0) || 0;
  return { items: items.slice(number * size, (number + 1) * size) };
}
