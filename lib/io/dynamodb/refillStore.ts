import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { RefillStore } from '#core/refill/ports.ts';
import type { EndedRefill, RefillState } from '#core/refill/types.ts';
import { REFILL_STOPS } from '#core/refill/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { CheckoutId, RefillId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { Pack } from './billingItems.ts';
import { makeTableReader } from './tableReader.ts';
import { type Write, writeTogether } from './writeTogether.ts';

/**
 * Refills in the billing table: `refill#<tenant>` / `state`, listed by the index under `refills` while there is
 * something to watch, and `refill#<tenant>` / `ended#<time>#<id>` for each that ended.
 */
const stateKey = (tenantId: TenantId) => ({ pk: `refill#${tenantId}`, sk: 'state' });
const ACTIVE_LIST = 'refills';
const ENDED = 'ended#';
const MS_DIGITS = 15;
const endedPosition = (ended: EndedRefill) =>
  `${ENDED}${String(ended.endedAtMs).padStart(MS_DIGITS, '0')}#${ended.id}`;

const tenantId = idSchema<TenantId>('tenant');
const intent = {
  id: idSchema<RefillId>('refill'),
  checkoutId: idSchema<CheckoutId>('checkout'),
  mandateId: z.string(),
  pack: Pack,
  month: z.string(),
  createdAtMs: z.int(),
  sends: z.int(),
  sentAtMs: z.nullable(z.int()),
  paymentId: z.nullable(z.string()),
};

const StateItem = z.object({
  tenantId,
  version: z.int(),
  settings: z.object({
    isEnabled: z.boolean(),
    thresholdMicro: z.pipe(z.int(), z.transform(micro)),
    packId: z.string(),
    monthlyLimit: z.int(),
  }),
  setAtMs: z._default(z.int(), 0),
  mandateId: z.nullable(z.string()),
  mandateAskedAtMs: z.nullable(z.int()),
  open: z.nullable(z.object(intent)),
  failures: z.int(),
  notBeforeMs: z.int(),
  stopped: z.nullable(z.enum(REFILL_STOPS)),
  month: z.string(),
  refillsInMonth: z.int(),
});

const EndedItem = z.object({
  ...intent,
  tenantId,
  outcome: z.enum(['succeeded', 'failed', 'unmatched']),
  detail: z.nullable(z.string()),
  endedAtMs: z.int(),
});

/** The store of refills on its table. */
export function makeRefillStore(client: DynamoDBDocumentClient, table: string): RefillStore {
  const { get, queryPage } = makeTableReader(client, table);
  const write = writeTogether(client, table);
  return {
    read: async (id) => {
      const item = await get(stateKey(id));
      return item === undefined ? undefined : z.parse(StateItem, item);
    },
    save: (state, ended) => write([putState(state), ...(ended === undefined ? [] : [putEnded(ended)])]),
    listActive: async (page) => {
      const list = { partition: ACTIVE_LIST, indexed: true, newestFirst: false };
      const { items, more } = await queryPage(list, page);
      const states = items.map((item) => z.parse(StateItem, item));
      return { states, nextCursor: more ? (states.at(-1)?.tenantId ?? null) : null };
    },
    listEnded: async (id, { limit, cursor = 'ended~' }) => {
      // Without a cursor the page begins behind the last possible position.
      const list = { partition: stateKey(id).pk, indexed: false, newestFirst: true };
      const { items, more } = await queryPage(list, { limit, cursor });
      const refills = items.map((item) => z.parse(EndedItem, item));
      const last = refills.at(-1);
      return { refills, nextCursor: more && last !== undefined ? endedPosition(last) : null };
    },
  };
}

function putState(state: RefillState): Write {
  const isActive = state.settings.isEnabled || state.open !== null;
  const listed = isActive ? { listPk: ACTIVE_LIST, listSk: state.tenantId } : {};
  const before = state.version - 1;
  return {
    Put: {
      Item: { ...stateKey(state.tenantId), ...listed, ...state },
      ...(before === 0
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : { ConditionExpression: 'version = :before', ExpressionAttributeValues: { ':before': before } }),
    },
  };
}

const putEnded = (ended: EndedRefill): Write => ({
  Put: { Item: { pk: stateKey(ended.tenantId).pk, sk: endedPosition(ended), ...ended } },
});
