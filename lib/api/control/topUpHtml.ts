/** The page's style, word for word what stands between its tags: the content security policy names its hash. */
export const TOP_UP_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --page: #f6f8fa; --card: #fff; --accent: #0b5c3b; --on-accent: #fff; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f3f6; --soft: #9aa4af; --line: #3d444d; --page: #0d1117; --card: #151b23; --accent: #3fb27f; --on-accent: #06150e; --bad: #ff8182; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; }
h2 { margin: 0; font-size: 1.125rem; }
p { margin: .5rem 0; }
.note { color: var(--soft); font-size: .875rem; }
label { display: block; margin-top: 1.25rem; font-weight: 600; }
input { width: 100%; margin: .25rem 0 .75rem; padding: .625rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--soft); border-radius: .5rem; }
button { flex-shrink: 0; white-space: nowrap; padding: .625rem 1rem; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 0; border-radius: .5rem; cursor: pointer; }
button:disabled { opacity: .6; cursor: progress; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
#status { min-height: 1.5rem; }
#status[data-kind="bad"] { color: var(--bad); }
ul { list-style: none; margin: 1rem 0 0; padding: 0; }
li { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: 1rem 0; border-top: 1px solid var(--line); }
`;

/** The page's script. The key stays in the field: it goes into no address and is not kept. */
export const TOP_UP_SCRIPT = `
const form = document.getElementById('ask');
const key = document.getElementById('key');
const status = document.getElementById('status');
const packs = document.getElementById('packs');

const say = (text, kind) => { status.textContent = text; status.dataset.kind = kind || ''; };
const make = (tag, text, className) => {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
};
const money = ({ minor_units, currency }) => {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  return format.format(minor_units / 10 ** format.resolvedOptions().maximumFractionDigits);
};

async function call(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { ...options.headers, authorization: 'Bearer ' + key.value.trim() } });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401) throw new Error('This key is not valid. Check that it is complete.');
  throw new Error(body.error ? body.error.message : 'The answer was ' + response.status + '. Try again in a moment.');
}

async function buy(pack, button) {
  button.disabled = true;
  say('Opening the checkout…');
  try {
    const checkout = await call('credits/checkout', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      body: JSON.stringify({ pack_id: pack.id, ...(returnUrl() ? { return_url: returnUrl() } : {}) }),
    });
    location.assign(checkout.checkout_url);
  } catch (error) {
    say(error.message, 'bad');
    button.disabled = false;
  }
}

// A checkout leads back only to an address that is safe to send a buyer to.
function returnUrl() {
  const here = new URL(location.href);
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(here.hostname);
  return here.protocol === 'https:' || loopback ? here.origin + here.pathname : null;
}

function showPack(pack) {
  const item = document.createElement('li');
  const text = document.createElement('div');
  text.append(make('h2', pack.name), make('p', [pack.credits + ' credits', pack.note].filter(Boolean).join(' · '), 'note'));
  const button = make('button', 'Buy for ' + money(pack.price));
  button.type = 'button';
  button.addEventListener('click', () => buy(pack, button));
  item.append(text, button);
  packs.append(item);
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  packs.replaceChildren();
  say('Loading…');
  try {
    const [credits, list] = await Promise.all([call('credits'), call('credits/packs')]);
    list.data.forEach(showPack);
    say('You have ' + credits.available + ' credits. ' + credits.currency_note + '.');
  } catch (error) {
    say(error.message, 'bad');
  }
});

const outcome = new URLSearchParams(location.search).get('status');
if (outcome === 'succeeded') say('Payment received. The credits arrive within a moment; show the packs again to see them.');
else if (outcome !== null) say('The payment was not completed. Nothing was charged.', 'bad');
`;

export const TOP_UP_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Buy credits</title>
<style>${TOP_UP_STYLE}</style>
</head>
<body>
<main>
<h1>Buy credits</h1>
<p>Enter an API key of your account to see your balance and the packs on sale. You pay on the page of Dodo Payments.</p>
<form id="ask">
<label for="key">API key</label>
<input id="key" type="password" required autocomplete="off" spellcheck="false" placeholder="tg_…" aria-describedby="hint">
<p class="note" id="hint">The key is sent to this API alone, and is not kept.</p>
<button>Show packs</button>
</form>
<p id="status" role="status"></p>
<ul id="packs" aria-label="Packs on sale"></ul>
<noscript><p>This page needs scripts. By the API: <code>POST credits/checkout</code> with <code>{"pack_id": "…"}</code>.</p></noscript>
</main>
<script>${TOP_UP_SCRIPT}</script>
</body>
</html>
`;
