import { sessionTotal } from './payments.ts';
import { findProduct, type Shop } from './shop.ts';
import type { Payment, Session } from './state.ts';

/** The page on which a person pays, refuses or leaves a checkout. Plain forms: it works without scripts. */
export function checkoutPage(shop: Shop, session: Session): string {
  const { amount, currency } = sessionTotal(shop, session);
  const payment = session.payment_id === null ? undefined : shop.state.payments[session.payment_id];
  const rows = session.product_cart.map((line) => {
    const { name, product_id, price } = findProduct(shop, line.product_id);
    const unit = price.type === 'usage_based_price' ? price.fixed_price : price.price;
    return `<tr><th scope="row">${escapeHtml(name ?? product_id)}</th><td>${line.quantity}</td><td>${money(unit * line.quantity, price.currency)}</td></tr>`;
  });
  return layout(
    'Checkout',
    `<h1>Checkout</h1>
    <p class="note">This is the payment page of the local Dodo Payments stand-in. No card is asked for and no money moves.</p>
    <table>
      <caption>Your order</caption>
      <thead><tr><th scope="col">Item</th><th scope="col">Quantity</th><th scope="col">Price</th></tr></thead>
      <tbody>${rows.join('')}</tbody>
      <tfoot><tr><th scope="row" colspan="2">Total</th><td>${money(amount, currency)}</td></tr></tfoot>
    </table>
    ${payment?.status === 'succeeded' ? paid(payment) : payForms(session, amount, currency, payment)}`,
  );
}

function payForms(session: Session, amount: number, currency: string, last: Payment | undefined): string {
  const action = `/checkout/${encodeURIComponent(session.id)}`;
  const notice =
    last === undefined
      ? ''
      : `<p class="status warn" role="status">The last attempt ended as “${escapeHtml(last.status ?? 'unknown')}”. You can try again.</p>`;
  return `${notice}
    <form method="post" action="${action}/pay"><button class="primary">Pay ${money(amount, currency)}</button></form>
    <div class="row">
      <form method="post" action="${action}/fail"><button>Fail the payment</button></form>
      <form method="post" action="${action}/cancel"><button>Cancel</button></form>
    </div>`;
}

const paid = (payment: Payment): string =>
  `<p class="status done" role="status">Paid ${money(payment.total_amount, payment.currency)}. Thank you.</p>
  <p class="note">Payment <code>${escapeHtml(payment.payment_id)}</code></p>`;

function layout(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Dodo stand-in</title>
<style>
  :root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --page: #f6f8fa; --card: #fff; --accent: #0b5c3b; --on-accent: #fff; }
  @media (prefers-color-scheme: dark) { :root { --ink: #f0f3f6; --soft: #9aa4af; --line: #3d444d; --page: #0d1117; --card: #151b23; --accent: #3fb27f; --on-accent: #06150e; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
  main { width: min(30rem, 100%); padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
  h1 { margin: 0 0 .5rem; font-size: 1.5rem; }
  .note { color: var(--soft); font-size: .875rem; }
  table { width: 100%; margin: 1.25rem 0; border-collapse: collapse; }
  caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
  th, td { padding: .5rem 0; text-align: left; font-weight: 400; border-bottom: 1px solid var(--line); }
  thead th { color: var(--soft); font-size: .875rem; }
  td:last-child, th:last-child { text-align: right; font-variant-numeric: tabular-nums; }
  tfoot th, tfoot td { font-weight: 600; border: 0; }
  button { width: 100%; padding: .75rem 1rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer; }
  button.primary { color: var(--on-accent); background: var(--accent); border-color: var(--accent); font-weight: 600; }
  button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  .row { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin-top: .75rem; }
  .status { padding: .75rem 1rem; border: 1px solid var(--line); border-left: .25rem solid var(--accent); border-radius: .5rem; }
  .warn { border-left-color: #bf5b04; }
</style>
</head>
<body><main>${body}</main></body>
</html>`;
}

function money(minorUnits: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  return format.format(minorUnits / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
