const PAGE_SIZE = 100;
/** Of each list; at 240 calls a minute Dodo would refuse much more. */
const MAX_PAGES = 30;

type Page<T> = { readonly items: readonly T[] };

/** Page after page by number: the SDK's own iteration skips the second page unless it is told the first one's number. */
export async function allPages<T>(
  list: (page: { readonly page_number: number; readonly page_size: number }) => PromiseLike<Page<T>>,
  maxPages = MAX_PAGES,
): Promise<{ readonly items: readonly T[]; readonly isComplete: boolean; readonly pages: number }> {
  const items: T[] = [];
  for (let page_number = 0; page_number < maxPages; page_number += 1) {
    const page = await list({ page_number, page_size: PAGE_SIZE });
    items.push(...page.items);
    if (page.items.length < PAGE_SIZE) {
      return { items, isComplete: true, pages: page_number + 1 };
    }
  }
  return { items, isComplete: false, pages: maxPages };
}
