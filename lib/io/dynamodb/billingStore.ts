import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { BillingStore } from '#core/billing/ports.ts';
import type { Checkout } from '#core/billing/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { CheckoutId } from '#core/shared/ids.ts';
import {
  checkoutItem,
  checkoutKey,
  idempotencyKey,
  paymentItem,
  paymentKey,
  paymentList,
  paymentPosition,
  paymentsFrom,
  toCheckout,
  toPayment,
  webhookItem,
  webhookKey,
} from './billingItems.ts';
import { conditionHeld } from './conditionHeld.ts';
import { type Item, makeTableReader } from './tableReader.ts';
import { updateOf, writeTogether } from './writeTogether.ts';

const PAYMENTS_A_PAGE = 100;
const MAX_PAYMENT_PAGES = 1_000;
const NOT_THERE = 'attribute_not_exists(pk)';
const THERE = 'attribute_exists(pk)';

const KeyItem = z.object({ checkoutId: idSchema<CheckoutId>('checkout') });

/** The billing store on its table. Every read by id is consistent. */
export function makeBillingStore(client: DynamoDBDocumentClient, table: string): BillingStore {
  const { get, queryPage } = makeTableReader(client, table);
  const write = writeTogether(client, table);

  /** False when the condition does not hold. */
  const put = (item: Item, condition: string, values?: Item): Promise<boolean> =>
    conditionHeld(
      client.send(
        new PutCommand({
          TableName: table,
          Item: item,
          ConditionExpression: condition,
          ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
        }),
      ),
    );
  const update = async (key: { readonly pk: string; readonly sk: string }, fields: Item): Promise<void> => {
    const changed = await conditionHeld(
      client.send(
        new UpdateCommand({ TableName: table, Key: key, ...updateOf(fields), ConditionExpression: THERE }),
      ),
    );
    if (!changed) throw new Error(`${key.pk} is to be changed and does not exist`);
  };

  const readCheckout = async (id: CheckoutId): Promise<Checkout | undefined> => {
    const item = await get(checkoutKey(id));
    return item === undefined ? undefined : toCheckout(item);
  };

  return {
    createCheckout: async (checkout) => {
      const { tenantId, idempotencyKey: key } = checkout;
      if (key === null) {
        if (!(await put(checkoutItem(checkout), NOT_THERE))) throw new Error(`${checkout.id} exists`);
        return { outcome: 'created', checkout };
      }
      const marker = idempotencyKey(tenantId, key);
      const created = await write([
        { Put: { Item: { ...marker, checkoutId: checkout.id }, ConditionExpression: NOT_THERE } },
        { Put: { Item: checkoutItem(checkout), ConditionExpression: NOT_THERE } },
      ]);
      if (created) return { outcome: 'created', checkout };
      const existing = await readCheckout(z.parse(KeyItem, await get(marker)).checkoutId);
      if (existing === undefined) throw new Error('an idempotency key names no checkout');
      return { outcome: 'existing', checkout: existing };
    },
    readCheckout,
    attachSession: async (id, session) => {
      const attached = await conditionHeld(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: checkoutKey(id),
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
    markPaid: (id, paymentId) => update(checkoutKey(id), { paymentId }),

    readPayment: async (id) => {
      const item = await get(paymentKey(id));
      return item === undefined ? undefined : toPayment(item);
    },
    savePayment: (record) =>
      record.version === 1
        ? put(paymentItem(record), NOT_THERE)
        : put(paymentItem(record), 'version = :before', { ':before': record.version - 1 }),
    markApplied: async (id, version, appliedSteps) => {
      await conditionHeld(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: paymentKey(id),
            UpdateExpression: 'SET appliedSteps = :applied',
            ConditionExpression: 'version = :version',
            ExpressionAttributeValues: { ':applied': appliedSteps, ':version': version },
          }),
        ),
      );
    },
    listPayments: async ({ needsAttention, ...page }) => {
      const list = { partition: paymentList(needsAttention), indexed: true, newestFirst: true };
      const { items, more } = await queryPage(list, page);
      const payments = items.map(toPayment);
      const last = payments.at(-1);
      return { payments, nextCursor: more && last !== undefined ? paymentPosition(last) : null };
    },

    paymentsBetween: async function* ({ fromMs, toMs }) {
      for (const needsAttention of [false, true]) {
        let cursor = paymentsFrom(fromMs);
        for (let page = 0; page < MAX_PAYMENT_PAGES; page += 1) {
          const list = { partition: paymentList(needsAttention), indexed: true, newestFirst: false };
          const { items, more } = await queryPage(list, { limit: PAYMENTS_A_PAGE, cursor });
          for (const item of items) {
            const payment = toPayment(item);
            if (payment.createdAtMs < toMs) yield payment;
            cursor = paymentPosition(payment);
          }
          if (!more || cursor >= paymentsFrom(toMs)) break;
        }
      }
    },

    recordWebhook: async (webhook) => {
      if (await put(webhookItem(webhook), NOT_THERE)) return 'new';
      const known = await get(webhookKey(webhook.id));
      return known?.['handledAtMs'] === undefined ? 'known' : 'handled';
    },
    markHandled: (webhookId, atMs) => update(webhookKey(webhookId), { handledAtMs: atMs }),
  };
}
