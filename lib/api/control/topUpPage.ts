import { createHash } from 'node:crypto';
import { respondPage } from '#api/http.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { TOP_UP_HTML, TOP_UP_SCRIPT, TOP_UP_STYLE } from './topUpHtml.ts';

const sha256 = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Only the page's own script and style run, it speaks to this API alone, and nobody may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src ${sha256(TOP_UP_SCRIPT)}`,
  `style-src ${sha256(TOP_UP_STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `GET /top-up` → a page on which a person with an API key buys credits: where the link of a 402 leads. */
export const topUp: AccountHandler = async () =>
  respondPage(TOP_UP_HTML, { 'content-security-policy': CONTENT_SECURITY_POLICY });
