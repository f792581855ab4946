import type { ApiClient, Call, JsonObject } from './apiClient.ts';
import { rowsOf } from './print.ts';

const PAGE = '100';
/** Of each list at most 10,000 records. */
const MAX_PAGES = 100;

/** Every record of a list, page by page. */
export async function* rowsBehind(
  api: ApiClient,
  path: string,
  query: Call['query'] = {},
): AsyncGenerator<JsonObject> {
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const body = await api.call('GET', path, { query: { ...query, limit: PAGE, cursor } });
    yield* rowsOf(body);
    if (typeof body['next_cursor'] !== 'string') return;
    cursor = body['next_cursor'];
  }
}
