import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { needsUnexpired, placeHold as placeHoldRule } from '#core/ledger/holds.ts';
import { MAX_OPEN_HOLDS } from '#core/ledger/limits.ts';
import { type HoldPlaced, type HoldRefused, LedgerUnavailable, type PlaceHold } from '#core/ledger/ports.ts';
import { countedAs } from '#core/limits/countHold.ts';
import { limitStatus } from '#core/limits/limitStatus.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { microSchema } from '#core/shared/schemas.ts';
import { MOVED, withRetries } from './ledgerRetry.ts';
import { ledgerKeys, toAccount, toLimits } from './ledgerRows.ts';
import type { LedgerTable } from './ledgerTable.ts';
import { countParts, type KnownLimits } from './limitWrites.ts';

/** After a sweep something else may fall due before the hold is tried again, but hardly so often. */
const MAX_SWEEPS = 5;

/**
 * Places a hold with one conditional write; sweeps the account first when that is what stands in the way. What a
 * tenant's limits are is remembered between calls: when they changed, the write is refused with the account as it
 * is, and tried again with what that says.
 */
export async function placeHold(
  table: LedgerTable,
  known: KnownLimits,
  place: PlaceHold,
  sweep: () => Promise<unknown>,
): Promise<Result<HoldPlaced, HoldRefused>> {
  for (let swept = 0; swept <= MAX_SWEEPS; swept++) {
    const placed = await withRetries(table.patience, () => tryPlaceHold(table, known, place));
    if (placed.ok) return placed;
    if (placed.error.code !== 'sweep_due') return err(placed.error);
    await sweep();
  }
  throw new LedgerUnavailable(`credits or holds fell due ${MAX_SWEEPS} times while a hold was placed`);
}

type Tried = Result<HoldPlaced, HoldRefused | { readonly code: 'sweep_due' }>;

async function tryPlaceHold(
  table: LedgerTable,
  known: KnownLimits,
  place: PlaceHold,
): Promise<Tried | typeof MOVED> {
  try {
    const { Attributes = {} } = await table.client.send(placeHoldCommand(table, known, place));
    const limits = toLimits(Attributes);
    known.keep(place.tenantId, limits);
    return ok({
      availableMicro: microSchema.parse(Attributes['availableMicro']),
      ...(limits === undefined ? {} : { limits: limitStatus(limits, place) }),
    });
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return explain(error, known, place);
  }
}

/** Why a write was refused, by the account as it was: the rule and the condition say the same. */
function explain(
  error: ConditionalCheckFailedException,
  known: KnownLimits,
  place: PlaceHold,
): Tried | typeof MOVED {
  // The document client leaves an error's item as it came over the wire.
  if (error.Item === undefined) return err({ code: 'account_not_found' });
  const account = toAccount(unmarshall(error.Item));
  known.keep(place.tenantId, account.limits);
  const outcome = placeHoldRule(account, place);
  if (!outcome.ok) return err(outcome.error);
  const { availableMicro, holds, limits } = outcome.value;
  if (account.holds[place.holdId] === undefined || holds[place.holdId] === undefined) return MOVED;
  // The repeat of a hold that is there.
  return ok({ availableMicro, ...(limits === undefined ? {} : { limits: limitStatus(limits, place) }) });
}

function placeHoldCommand(table: LedgerTable, known: KnownLimits, place: PlaceHold): UpdateCommand {
  const limits = known.of(place.tenantId);
  const counted = countParts(limits, place);
  const sets = [
    'availableMicro = availableMicro - :amount',
    'heldMicro = heldMicro + :amount',
    'holds.#hold = :hold',
    ...counted.sets,
  ];
  const conditions = [
    'availableMicro >= :amount',
    '#status = :active',
    '(attribute_not_exists(keyStops.#key) OR keyStops.#key > :now)',
    'attribute_not_exists(holds.#hold)',
    'size(holds) < :maxHolds',
    ...(needsUnexpired(place)
      ? ['(attribute_not_exists(nextGrantExpiryMs) OR nextGrantExpiryMs > :now)']
      : []),
    ...counted.conditions,
  ];
  return new UpdateCommand({
    TableName: table.name,
    Key: { pk: ledgerKeys.partition(place.tenantId), sk: ledgerKeys.account },
    UpdateExpression: `SET ${sets.join(', ')}${counted.removes.length === 0 ? '' : ` REMOVE ${counted.removes.join(', ')}`}`,
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: {
      '#status': 'status',
      '#key': place.keyId,
      '#hold': place.holdId,
      ...counted.names,
    },
    ExpressionAttributeValues: {
      ':amount': place.amountMicro,
      ':active': 'active',
      ':now': place.nowMs,
      ':maxHolds': MAX_OPEN_HOLDS,
      ':hold': {
        keyId: place.keyId,
        amountMicro: place.amountMicro,
        expiresAtMs: place.expiresAtMs,
        counted: limits === undefined ? undefined : countedAs(limits, place),
      },
      ...counted.values,
    },
    // All of a limited account: where its limits stand is more than what this write changed.
    ReturnValues: limits === undefined ? 'UPDATED_NEW' : 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
}
