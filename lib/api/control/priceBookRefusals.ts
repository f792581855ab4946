import type { ApiError } from '#api/errors.ts';
import { MAX_KEPT_BOOKS } from '#core/pricing/bookDrafts.ts';
import { NOTICE_MS } from '#core/pricing/notice.ts';
import type { PublishRefused } from '#core/pricing/publishBook.ts';
import type { WithdrawRefused } from '#core/pricing/withdrawBook.ts';

export const PRICE_BOOK_NOT_FOUND: ApiError = {
  code: 'not_found',
  message: 'There is no such version of a price book. GET /v1/admin/price-books lists them.',
};

/** What a refusal about a price book is to the agency. */
export function bookRefusal(refused: PublishRefused | WithdrawRefused): ApiError {
  switch (refused.code) {
    case 'invalid_price_book':
      return {
        code: 'invalid_request',
        message: `${refused.message}.`,
        param: refused.path === '' ? null : refused.path,
      };
    case 'price_book_not_found':
      return PRICE_BOOK_NOT_FOUND;
    case 'price_book_published':
      return {
        code: 'conflict',
        message: 'This version is published and stays as it is. POST /v1/admin/price-books makes a new one.',
      };
    case 'too_many_price_books':
      return { code: 'conflict', message: `There are at most ${MAX_KEPT_BOOKS} versions of price books.` };
    case 'price_books_changed':
      return { code: 'conflict', message: 'The price books are being changed. Nothing was done; try again.' };
    case 'too_late':
      return {
        code: 'conflict',
        message: `This version is in force, or comes in force within ${NOTICE_MS / 1_000} seconds, and stays as it is. POST /v1/admin/price-books makes one to replace it.`,
      };
    case 'price_book_needed':
      return {
        code: 'conflict',
        message: `The experiment ${refused.by} sends tenants here and would have no prices for them. Withdraw it first.`,
      };
    case 'too_soon':
      return {
        code: 'invalid_request',
        message: `'effective_from' must lie at least ${NOTICE_MS / 1_000} seconds ahead, so that every function knows the book by then: give ${new Date(refused.earliestMs).toISOString()} or later, or leave it out.`,
        param: 'effective_from',
      };
  }
}
