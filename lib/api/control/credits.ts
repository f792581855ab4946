import { callingTenant } from '#api/edge/authorize.ts';
import { respond } from '#api/http.ts';
import type { CreditPack } from '#core/billing/types.ts';
import { overageLeft } from '#core/ledger/account.ts';
import { formatCredits, ZERO } from '#core/shared/money.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { listBody } from './fields.ts';

/** `GET /credits` → what is there to spend, what calls in flight hold, and where to buy more. */
export const readCredits: AccountHandler = async ({ ledger, credits }, request) => {
  const account = await ledger.readAccount(callingTenant(request));
  return respond(200, {
    object: 'credits',
    available: formatCredits(account?.availableMicro ?? ZERO),
    held: formatCredits(account?.heldMicro ?? ZERO),
    /** The part of `available` that the subscription allows beyond what is prepaid. */
    overage_available: formatCredits(account === undefined ? ZERO : overageLeft(account)),
    currency_note: credits.catalogue.currencyNote,
    top_up_url: credits.topUpUrl,
  });
};

/** `GET /credits/packs` → the packs on sale. */
export const listCreditPacks: AccountHandler = async ({ credits }) =>
  respond(200, listBody(credits.catalogue.packs.map(packBody)));

const packBody = (pack: CreditPack) => ({
  id: pack.id,
  object: 'credit_pack',
  name: pack.name,
  credits: formatCredits(pack.creditsMicro),
  price: { minor_units: pack.priceMinor, currency: pack.currency },
  expires_after_days: pack.expiresAfterDays,
  note: pack.note,
});
