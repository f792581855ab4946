import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Forward } from './forward.ts';
import { S3Refusal } from './s3Refusal.ts';

type Guarded = { readonly body: Buffer; readonly target: string };

/**
 * Keeps S3's conditional writes (`If-None-Match: *`, `If-Match: "etag"`), which the store behind ignores. Writes to
 * one object wait for each other, so that of two that both want to create it exactly one does.
 */
export function makeConditions(
  forward: Forward,
): (request: IncomingMessage, response: ServerResponse, guarded: Guarded) => Promise<void> {
  const tails = new Map<string, Promise<unknown>>();

  async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
    const turn = (tails.get(path) ?? Promise.resolve()).then(work, work);
    tails.set(path, turn);
    try {
      return await turn;
    } finally {
      if (tails.get(path) === turn) tails.delete(path);
    }
  }

  return (request, response, { body, target }) => {
    const writes =
      request.method === 'PUT' || request.method === 'DELETE' || completesUpload(request, target);
    if (!writes) return forward(request, response, { body });
    const path = target.split('?')[0] ?? '/';
    const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers;
    return inTurn(path, async () => {
      if (ifNoneMatch !== undefined || ifMatch !== undefined) {
        check(await forward.etagOf(request, path), { ifNoneMatch, ifMatch });
      }
      await forward(request, response, { body, without: ['if-none-match', 'if-match'] });
    });
  };
}

const completesUpload = (request: IncomingMessage, target: string): boolean =>
  request.method === 'POST' && /[?&]uploadId=/.test(target);

function check(
  etag: string | undefined,
  wanted: { readonly ifNoneMatch: string | undefined; readonly ifMatch: string | undefined },
): void {
  const { ifNoneMatch, ifMatch } = wanted;
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Refusal('InvalidArgument', 'If-None-Match of a write takes * alone.');
  }
  if (ifMatch !== undefined && etag === undefined) {
    throw new S3Refusal('NoSuchKey', 'The specified key does not exist.');
  }
  const holds = ifNoneMatch === '*' ? etag === undefined : unquoted(etag) === unquoted(ifMatch);
  if (!holds) {
    throw new S3Refusal(
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
    );
  }
}

const unquoted = (etag: string | undefined): string | undefined => etag?.replaceAll('"', '');
