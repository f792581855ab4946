import { err, ok, type Result } from '#core/shared/result.ts';

const MAX_LENGTH = 500;
/** A name with at least one dot whose last part is no number: a public host, and neither an address nor a bare name. */
const HOST_NAME = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9-]{2,63}$/;
/** Names that are only good inside a network. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|private|arpa)$/;
const LOOPBACK = '127.0.0.1';

export type BadEngineUrl = { readonly code: 'bad_engine_url'; readonly message: string };

/**
 * Reads the base URL of an OpenAI-compatible engine, and answers it without a slash at its end. Calls are sent there
 * with prompts and a secret in them, from inside the agency's account: it must be `https` and a public host name, for
 * addresses and inner names could be made to reach what only that account may. On one machine, `http` to 127.0.0.1
 * is allowed besides. Errors: bad_engine_url; its message says what is wrong.
 */
export function parseEngineUrl(
  text: string,
  { allowLoopback }: { readonly allowLoopback: boolean },
): Result<string, BadEngineUrl> {
  if (text.length > MAX_LENGTH) return bad(`must have at most ${MAX_LENGTH} characters`);
  const url = URL.parse(text);
  if (url === null) return bad('must be a URL, such as https://gpu.example.com/v1');
  if (url.username !== '' || url.password !== '') return bad('must carry no user or password: name a secret');
  if (url.search !== '' || url.hash !== '') return bad('must end with its path, without ? and #');
  const base = url.href.replace(/\/+$/, '');
  if (allowLoopback && url.protocol === 'http:' && url.hostname === LOOPBACK) return ok(base);
  if (url.protocol !== 'https:') return bad('must begin with https://');
  if (!HOST_NAME.test(url.hostname) || PRIVATE_NAME.test(url.hostname)) {
    return bad('must name a public host, not an address or a name of an inner network');
  }
  return ok(base);
}

const bad = (message: string) => err<BadEngineUrl>({ code: 'bad_engine_url', message });
