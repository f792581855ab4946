import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expiredHolds, needsUnexpired, placeHold as placeHoldRule } from '#core/ledger/holds.ts';
import { MAX_OPEN_HOLDS } from '#core/ledger/limits.ts';
import { type HoldRefused, LedgerUnavailable, type PlaceHold } from '#core/ledger/ports.ts';
import type { Hold } from '#core/ledger/types.ts';
import type { HoldId, TenantId } from '#core/shared/ids.ts';
import { type MicroCredits, micro } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { microSchema } from '#core/shared/schemas.ts';
import { isConditionFailed, MOVED, withRetries } from './ledgerRetry.ts';
import { ledgerKeys, toAccount } from './ledgerRows.ts';
import { type LedgerTable, readAccountItem } from './ledgerTable.ts';

/** After a sweep something else may fall due before the hold is tried again, but hardly so often. */
const MAX_SWEEPS = 5;
/** A closing write names each hold; expressions end at 4 KB. */
const MAX_HOLDS_A_WRITE = 50;

type Placed = Result<{ readonly availableMicro: MicroCredits }, HoldRefused>;

/** Places a hold with one conditional write; sweeps the account first when that is what stands in the way. */
export async function placeHold(
  table: LedgerTable,
  place: PlaceHold,
  sweep: () => Promise<unknown>,
): Promise<Placed> {
  for (let swept = 0; swept <= MAX_SWEEPS; swept++) {
    const placed = await withRetries(table.patience, () => tryPlaceHold(table, place));
    if (placed.ok) return placed;
    if (placed.error.code !== 'sweep_due') return err(placed.error);
    await sweep();
  }
  throw new LedgerUnavailable(`credits or holds fell due ${MAX_SWEEPS} times while a hold was placed`);
}

type Tried = Result<{ readonly availableMicro: MicroCredits }, HoldRefused | { readonly code: 'sweep_due' }>;

async function tryPlaceHold(table: LedgerTable, place: PlaceHold): Promise<Tried | typeof MOVED> {
  try {
    const { Attributes } = await table.client.send(placeHoldCommand(table, place));
    return ok({ availableMicro: microSchema.parse(Attributes?.['availableMicro']) });
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const item = itemOf(error);
    if (item === undefined) return err({ code: 'account_not_found' });
    const outcome = placeHoldRule(toAccount(item), place);
    if (!outcome.ok) return err(outcome.error);
    // The rule and the condition say the same, so this is the repeat of a hold that is there.
    return outcome.value.holds[place.holdId] === undefined
      ? MOVED
      : ok({ availableMicro: outcome.value.availableMicro });
  }
}

const placeHoldCommand = (table: LedgerTable, place: PlaceHold): UpdateCommand =>
  new UpdateCommand({
    TableName: table.name,
    Key: { pk: ledgerKeys.partition(place.tenantId), sk: ledgerKeys.account },
    UpdateExpression:
      'SET availableMicro = availableMicro - :amount, heldMicro = heldMicro + :amount, holds.#hold = :hold',
    ConditionExpression: [
      'availableMicro >= :amount',
      '#status = :active',
      '(attribute_not_exists(keyStops.#key) OR keyStops.#key > :now)',
      'attribute_not_exists(holds.#hold)',
      'size(holds) < :maxHolds',
      ...(needsUnexpired(place)
        ? ['(attribute_not_exists(nextGrantExpiryMs) OR nextGrantExpiryMs > :now)']
        : []),
    ].join(' AND '),
    ExpressionAttributeNames: { '#status': 'status', '#key': place.keyId, '#hold': place.holdId },
    ExpressionAttributeValues: {
      ':amount': place.amountMicro,
      ':active': 'active',
      ':now': place.nowMs,
      ':maxHolds': MAX_OPEN_HOLDS,
      ':hold': { keyId: place.keyId, amountMicro: place.amountMicro, expiresAtMs: place.expiresAtMs },
    },
    ReturnValues: 'UPDATED_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });

/** The item that refused a write. The document client leaves an error's item as it came over the wire. */
const itemOf = (error: ConditionalCheckFailedException): Record<string, unknown> | undefined =>
  error.Item === undefined ? undefined : unmarshall(error.Item);

/** Returns one hold in full, with one conditional write that reads the amount off the hold itself. */
export async function voidHold(
  table: LedgerTable,
  tenantId: TenantId,
  holdId: HoldId,
): Promise<'voided' | 'already_ended'> {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: { pk: ledgerKeys.partition(tenantId), sk: ledgerKeys.account },
    UpdateExpression:
      'SET availableMicro = availableMicro + holds.#hold.amountMicro, heldMicro = heldMicro - holds.#hold.amountMicro REMOVE holds.#hold',
    ConditionExpression: 'attribute_exists(holds.#hold)',
    ExpressionAttributeNames: { '#hold': holdId },
  });
  return withRetries(table.patience, async () => {
    try {
      await table.client.send(command);
      return 'voided';
    } catch (error) {
      if (isConditionFailed(error)) return 'already_ended';
      throw error;
    }
  });
}

/** Returns every hold that is past its time and answers which those were. */
export async function expireHolds(
  table: LedgerTable,
  tenantId: TenantId,
  nowMs: number,
): Promise<readonly HoldId[]> {
  const ended: HoldId[] = [];
  // Each round ends up to MAX_HOLDS_A_WRITE; no account has more than MAX_OPEN_HOLDS open.
  for (let round = 0; round <= MAX_OPEN_HOLDS / MAX_HOLDS_A_WRITE; round++) {
    const closed = await withRetries(table.patience, async () => {
      const account = await readAccountItem(table, tenantId);
      const due = account === undefined ? [] : expiredHolds(account, nowMs).slice(0, MAX_HOLDS_A_WRITE);
      if (due.length === 0) return due;
      return (await closeHolds(table, tenantId, due)) ? due : MOVED;
    });
    ended.push(...closed.map((hold) => hold.id));
    if (closed.length < MAX_HOLDS_A_WRITE) break;
  }
  return ended;
}

/** False, and nothing changed, when one of them has ended meanwhile. */
async function closeHolds(table: LedgerTable, tenantId: TenantId, holds: readonly Hold[]): Promise<boolean> {
  const names = Object.fromEntries(holds.map((hold, index) => [`#h${index}`, hold.id]));
  const paths = Object.keys(names).map((name) => `holds.${name}`);
  try {
    await table.client.send(
      new UpdateCommand({
        TableName: table.name,
        Key: { pk: ledgerKeys.partition(tenantId), sk: ledgerKeys.account },
        UpdateExpression: `SET availableMicro = availableMicro + :sum, heldMicro = heldMicro - :sum REMOVE ${paths.join(', ')}`,
        ConditionExpression: paths.map((path) => `attribute_exists(${path})`).join(' AND '),
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ':sum': micro(holds.reduce((sum, hold) => sum + hold.amountMicro, 0)) },
      }),
    );
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}
