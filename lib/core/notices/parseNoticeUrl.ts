import { parseEngineUrl } from '#core/routing/parseEngineUrl.ts';
import { err, type Result } from '#core/shared/result.ts';

/**
 * Reads the address of a notice webhook. It is called from inside the agency's account, so the same hosts are allowed
 * as for engines. Errors: bad_notice_url; its message says what is wrong.
 */
export function parseNoticeUrl(
  text: string,
  rules: { readonly allowLoopback: boolean },
): Result<string, { readonly code: 'bad_notice_url'; readonly message: string }> {
  const url = parseEngineUrl(text, rules);
  return url.ok ? url : err({ code: 'bad_notice_url', message: url.error.message });
}
