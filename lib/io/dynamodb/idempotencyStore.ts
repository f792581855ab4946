import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { parseStoredCompletion } from '#core/inference/parseStoredCompletion.ts';
import type { IdempotencyClaim, IdempotencyStore } from '#core/inference/ports.ts';
import { err, ok } from '#core/shared/result.ts';

/** How long a first answer is answered again. */
const KEPT_SECONDS = 24 * 60 * 60;
/** Compressed. An item of the table may have 400 KB, its other attributes included. */
export const MAX_ANSWER_BYTES = 300_000;
/** Far more than any kept answer inflates to. */
const MAX_INFLATED_BYTES = 20_000_000;
const RETRY_AFTER_SECONDS = 2;

const compress = promisify(gzip);
const inflate = promisify(gunzip);

const StoredClaim = z.object({
  state: z.enum(['running', 'answered', 'too_large']),
  fingerprintHash: z.string(),
  answer: z.optional(z.instanceof(Uint8Array)),
});

/**
 * First answers in the table `idempotency`: one item a key, `TEN#<tenant>#IDEM#<hash of the key>`, deleted by its
 * TTL after a day. Neither the key nor the request is stored, only hashes. One write claims a key, one keeps the
 * answer; a claim that lost its function is free for the next request after `freedAtMs`.
 */
export function makeIdempotencyStore(client: DynamoDBDocumentClient, table: string): IdempotencyStore {
  return {
    claim: async (claim) => {
      try {
        await client.send(claimCommand(table, claim));
        return ok({ kind: 'claimed' });
      } catch (error) {
        const stored = StoredClaim.parse(refusingItem(error));
        if (stored.fingerprintHash !== sha256(claim.fingerprint))
          return err({ code: 'idempotency_key_reused' });
        if (stored.state === 'too_large') return err({ code: 'answer_not_kept' });
        if (stored.answer === undefined)
          return err({ code: 'request_in_progress', retryAfterSeconds: RETRY_AFTER_SECONDS });
        const text = await inflate(stored.answer, { maxOutputLength: MAX_INFLATED_BYTES });
        return ok({ kind: 'answered', completion: parseStoredCompletion(text.toString('utf8')) });
      }
    },

    remember: async (claim, completion) => {
      const answer = await compress(JSON.stringify(completion));
      const fits = answer.length <= MAX_ANSWER_BYTES;
      const kept = await changeOwn(client, table, claim, {
        UpdateExpression: fits ? 'SET #state = :state, answer = :answer' : 'SET #state = :state',
        ExpressionAttributeValues: fits
          ? { ':state': 'answered', ':answer': answer }
          : { ':state': 'too_large' },
      });
      if (!kept) return 'lost_claim';
      return fits ? 'remembered' : 'too_large';
    },

    release: async (claim) => {
      const command = new DeleteCommand({ TableName: table, Key: keyOf(claim), ...ownClaim(claim) });
      await ignoringLostClaim(client.send(command));
    },
  };
}

/** Takes the key when nobody has it, when its day is over (the TTL may be late), or when its call died. */
const claimCommand = (table: string, claim: IdempotencyClaim): PutCommand =>
  new PutCommand({
    TableName: table,
    Item: {
      ...keyOf(claim),
      state: 'running',
      requestId: claim.requestId,
      fingerprintHash: sha256(claim.fingerprint),
      freedAtMs: claim.freedAtMs,
      expiresAtSec: Math.floor(claim.nowMs / 1_000) + KEPT_SECONDS,
    },
    ConditionExpression:
      'attribute_not_exists(pk) OR expiresAtSec <= :nowSec OR (#state = :running AND freedAtMs <= :nowMs)',
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: {
      ':running': 'running',
      ':nowMs': claim.nowMs,
      ':nowSec': Math.floor(claim.nowMs / 1_000),
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });

const keyOf = (claim: IdempotencyClaim) => ({
  pk: `TEN#${claim.tenantId}#IDEM#${sha256(claim.key)}`,
  sk: 'claim',
});

const ownClaim = (claim: IdempotencyClaim) => ({
  ConditionExpression: '#state = :running AND requestId = :requestId',
  ExpressionAttributeNames: { '#state': 'state' },
  ExpressionAttributeValues: { ':running': 'running', ':requestId': claim.requestId },
});

/** False when the claim is another request's by now. */
function changeOwn(
  client: DynamoDBDocumentClient,
  table: string,
  claim: IdempotencyClaim,
  change: {
    readonly UpdateExpression: string;
    readonly ExpressionAttributeValues: Readonly<Record<string, unknown>>;
  },
): Promise<boolean> {
  const own = ownClaim(claim);
  const command = new UpdateCommand({
    TableName: table,
    Key: keyOf(claim),
    ...own,
    UpdateExpression: change.UpdateExpression,
    ExpressionAttributeValues: { ...own.ExpressionAttributeValues, ...change.ExpressionAttributeValues },
  });
  return ignoringLostClaim(client.send(command));
}

async function ignoringLostClaim(sent: Promise<unknown>): Promise<boolean> {
  try {
    await sent;
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}

const isConditionFailed = (error: unknown): error is ConditionalCheckFailedException =>
  error instanceof ConditionalCheckFailedException;

/** The item that refused a write, which the document client leaves in the database's own notation. */
function refusingItem(error: unknown): unknown {
  if (!isConditionFailed(error)) throw error;
  return error.Item === undefined ? undefined : unmarshall(error.Item);
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
