import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import type { SubscriptionStore } from '#core/subscriptions/ports.ts';
import { isFinal } from '#core/subscriptions/status.ts';
import type { SubscriptionCheckout, SubscriptionRecord } from '#core/subscriptions/types.ts';
import { conditionHeld } from './conditionHeld.ts';
import {
  currentKey,
  LIVE_LIST,
  recurringItem,
  subscriptionCheckoutItem,
  subscriptionCheckoutKey,
  subscriptionIdempotencyKey,
  subscriptionItem,
  subscriptionKey,
  toRecurringChanges,
  toSubscription,
  toSubscriptionCheckout,
} from './subscriptionItems.ts';
import { makeTableReader } from './tableReader.ts';
import { type Write, writeTogether } from './writeTogether.ts';

const NOT_THERE = 'attribute_not_exists(pk)';

const KeyItem = z.object({ checkoutId: idSchema<CheckoutId>('checkout') });
const CurrentItem = z.object({ subscriptionId: z.string() });

/** Subscriptions on the billing table. Every read by id is consistent. */
export function makeSubscriptionStore(client: DynamoDBDocumentClient, table: string): SubscriptionStore {
  const { get, queryAll, queryPage } = makeTableReader(client, table);
  const write = writeTogether(client, table);

  const readCheckout = async (id: CheckoutId): Promise<SubscriptionCheckout | undefined> => {
    const item = await get(subscriptionCheckoutKey(id));
    return item === undefined ? undefined : toSubscriptionCheckout(item);
  };
  const readSubscription = async (id: string): Promise<SubscriptionRecord | undefined> => {
    const item = await get(subscriptionKey(id));
    return item === undefined ? undefined : toSubscription(item);
  };

  return {
    createSubscriptionCheckout: async (checkout) => {
      const { tenantId, idempotencyKey } = checkout;
      const marker =
        idempotencyKey === null ? undefined : subscriptionIdempotencyKey(tenantId, idempotencyKey);
      const created = await write([
        { Put: { Item: subscriptionCheckoutItem(checkout), ConditionExpression: NOT_THERE } },
        ...(marker === undefined
          ? []
          : [{ Put: { Item: { ...marker, checkoutId: checkout.id }, ConditionExpression: NOT_THERE } }]),
      ]);
      if (created) return checkout;
      if (marker === undefined) throw new Error(`${checkout.id} exists`);
      const existing = await readCheckout(z.parse(KeyItem, await get(marker)).checkoutId);
      if (existing === undefined) throw new Error('an idempotency key names no checkout');
      return existing;
    },
    readSubscriptionCheckout: readCheckout,
    attachSubscriptionSession: async (id, session) => {
      const attached = await conditionHeld(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: subscriptionCheckoutKey(id),
            UpdateExpression: 'SET #session = :session',
            ConditionExpression: 'attribute_type(#session, :null)',
            ExpressionAttributeNames: { '#session': 'session' },
            ExpressionAttributeValues: { ':session': session, ':null': 'NULL' },
          }),
        ),
      );
      const standing = attached ? session : (await readCheckout(id))?.session;
      if (standing === null || standing === undefined)
        throw new Error(`${id} is to have a session and has none`);
      return standing;
    },

    readSubscription,
    saveSubscription: (record) =>
      write([recordWrite(record), ...currentWrites(record), ...recurringWrites(record)]),
    recurringOf: async (tenantId) => {
      const { pk: partition } = currentKey(tenantId);
      return toRecurringChanges(await queryAll({ partition, indexed: false, newestFirst: false }));
    },
    clearSteps: async (id, version) => {
      await conditionHeld(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: subscriptionKey(id),
            UpdateExpression: 'SET steps = :none',
            ConditionExpression: 'version = :version',
            ExpressionAttributeValues: { ':none': [], ':version': version },
          }),
        ),
      );
    },
    subscriptionOf: async (tenantId: TenantId) => {
      const current = await get(currentKey(tenantId));
      return current === undefined
        ? undefined
        : readSubscription(z.parse(CurrentItem, current).subscriptionId);
    },
    listLive: async (page) => {
      const list = { partition: LIVE_LIST, indexed: true, newestFirst: false };
      const { items, more } = await queryPage(list, page);
      const subscriptions = items.map(toSubscription);
      return { subscriptions, nextCursor: more ? (subscriptions.at(-1)?.id ?? null) : null };
    },
  };
}

const recordWrite = (record: SubscriptionRecord): Write =>
  record.version === 1
    ? { Put: { Item: subscriptionItem(record), ConditionExpression: NOT_THERE } }
    : {
        Put: {
          Item: subscriptionItem(record),
          ConditionExpression: 'version = :before',
          ExpressionAttributeValues: { ':before': record.version - 1 },
        },
      };

/** Which subscription is the tenant's. One that has ended stays it until another begins. */
function currentWrites({ id, tenantId, status }: SubscriptionRecord): readonly Write[] {
  if (tenantId === null || isFinal(status)) return [];
  return [{ Put: { Item: { ...currentKey(tenantId), subscriptionId: id } } }];
}

/** The same item again until something changes: it is named by when that was. */
const recurringWrites = ({ id, tenantId, recurring }: SubscriptionRecord): readonly Write[] =>
  tenantId === null || recurring === null
    ? []
    : [{ Put: { Item: recurringItem(tenantId, { id, recurring }) } }];
