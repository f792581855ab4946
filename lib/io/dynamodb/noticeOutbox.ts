import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { NoticeOutbox } from '#core/notices/ports.ts';
import {
  NOTICE_CHANNELS,
  NOTICE_STATES,
  type NoticeContent,
  type NoticeRecord,
} from '#core/notices/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { makeTableReader } from './tableReader.ts';

const MS_DIGITS = 15;

const NoticeItem = z.object({
  id: z.string(),
  to: z.enum(['client', 'agency']),
  tenantId: z.nullable(idSchema<TenantId>('tenant')),
  // Written by us from the type alone, and only ever turned into words.
  content: z.custom<NoticeContent>((value) => typeof value === 'object' && value !== null && 'kind' in value),
  createdAtMs: z.int(),
  state: z.enum(NOTICE_STATES),
  attempts: z.int(),
  nextAttemptMs: z.int(),
  sentBy: z.array(z.enum(NOTICE_CHANNELS)),
  lastError: z.nullable(z.string()),
});

const listOf = (state: NoticeRecord['state']) => `notices#${state}`;
const moment = (atMs: number) => String(atMs).padStart(MS_DIGITS, '0');
const positionOf = (record: NoticeRecord) =>
  `${moment(record.state === 'due' ? record.nextAttemptMs : record.createdAtMs)}#${record.id}`;

const itemOf = (record: NoticeRecord) => ({
  pk: `notice#${record.id}`,
  sk: 'notice',
  listPk: listOf(record.state),
  listSk: positionOf(record),
  ...record,
});

/** The outbox, in the billing table: `notice#<id>` / `notice`, listed by the index under `notices#<state>` by time. */
export function makeNoticeOutbox(client: DynamoDBDocumentClient, table: string): NoticeOutbox {
  const { queryPage } = makeTableReader(client, table);

  const put = async (record: NoticeRecord, condition: string, values?: Record<string, unknown>) => {
    try {
      await client.send(
        new PutCommand({
          TableName: table,
          Item: itemOf(record),
          ConditionExpression: condition,
          ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };
  const putAttempt = (record: NoticeRecord, attempts: number) =>
    put(record, 'attempts = :attempts', { ':attempts': attempts });

  return {
    add: async (notice) => {
      const fresh = { state: 'due', attempts: 0, nextAttemptMs: notice.createdAtMs, sentBy: [] } as const;
      await put({ ...notice, ...fresh, lastError: null }, 'attribute_not_exists(pk)');
    },
    listDue: async (nowMs, limit) => {
      const list = { partition: listOf('due'), indexed: true, newestFirst: false };
      const { items } = await queryPage(list, { limit });
      const records = items.map((item) => z.parse(NoticeItem, item));
      return records.filter(({ nextAttemptMs }) => nextAttemptMs <= nowMs);
    },
    claim: async (record, untilMs) => {
      const claimed = { ...record, attempts: record.attempts + 1, nextAttemptMs: untilMs };
      return (await putAttempt(claimed, record.attempts)) ? claimed : undefined;
    },
    save: async (record) => void (await putAttempt(record, record.attempts)),
    list: async ({ state, ...page }) => {
      const list = { partition: listOf(state), indexed: true, newestFirst: true };
      const { items, more } = await queryPage(list, page);
      const notices = items.map((item) => z.parse(NoticeItem, item));
      const last = notices.at(-1);
      return { notices, nextCursor: more && last !== undefined ? positionOf(last) : null };
    },
  };
}
