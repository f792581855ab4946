import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { TenantId } from '#core/shared/ids.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import type { JobChange, JobStore, SlotLimits } from '#core/training/ports.ts';
import { takesSlot } from '#core/training/transitions.ts';
import type { TrainingJob } from '#core/training/types.ts';
import {
  draftKey,
  eventItem,
  eventList,
  jobItem,
  jobKey,
  jobList,
  keyOf,
  OPEN_LIST,
  requestKeyKey,
  slotsKey,
  toEvent,
  toJob,
  toJobId,
} from './jobItems.ts';
import { makeTableReader } from './tableReader.ts';
import { type Write, writeTogether } from './writeTogether.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const AS_READ = '#version = :version';
const PAGE = 100;
const OPEN_INDEX = 'byList';

/** Training jobs on a table of their own. */
export function makeJobStore(client: DynamoDBDocumentClient, table: string): JobStore {
  const { get, queryAll, queryPage } = makeTableReader(client, table);
  const write = writeTogether(client, table);

  const read: JobStore['read'] = async (tenantId, id) => {
    // The third look finds a draft that became a job between the first and the second.
    const item =
      (await get(jobKey(tenantId, id))) ??
      (await get(draftKey(tenantId, id))) ??
      (await get(jobKey(tenantId, id)));
    return item === undefined ? undefined : toJob(item);
  };

  return {
    read,
    create: (draft) =>
      write([
        { Put: { Item: jobItem(draft), ConditionExpression: NOT_THERE } },
        ...keyWrites(draft, (Key) => ({
          Put: { Item: { ...Key, jobId: draft.id }, ConditionExpression: NOT_THERE },
        })),
      ]),
    findByKey: async (tenantId, hash) => {
      const item = await get(requestKeyKey(tenantId, hash));
      return item === undefined ? undefined : toJobId(item);
    },
    list: async (tenantId, { limit, after }) => {
      const list = { partition: jobList(tenantId), indexed: false, newestFirst: true };
      const { items, more } = await queryPage(list, {
        limit,
        ...(after === undefined ? {} : { cursor: after }),
      });
      return { jobs: items.map(toJob), more };
    },
    listOpen: async () => {
      const jobs: TrainingJob[] = [];
      const list = { partition: OPEN_LIST, indexed: true, newestFirst: false };
      while (jobs.length < JOB_LIMITS.openJobs) {
        const last = jobs.at(-1)?.id;
        const { items, more } = await queryPage(list, {
          limit: PAGE,
          ...(last === undefined ? {} : { cursor: last }),
        });
        jobs.push(...items.map(toJob));
        if (!more) break;
      }
      return jobs;
    },
    findOpen: async (id) => {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: OPEN_INDEX,
          KeyConditionExpression: 'listPk = :open AND listSk = :id',
          ExpressionAttributeValues: { ':open': OPEN_LIST, ':id': id },
        }),
      );
      return answer.Items?.map(toJob)[0];
    },
    change: async (change, slots) => {
      if (await write(writesOf(change, slots))) return 'written';
      // One of the conditions did not hold. Where the job is as it was read, it was the slot's.
      const now = await read(change.before.tenantId, change.before.id);
      return now?.version === change.before.version && takesNewSlot(change) ? 'no_slot' : 'moved';
    },
    removeDraft: (draft) =>
      write([
        { Delete: { Key: draftKey(draft.tenantId, draft.id), ...asRead(draft) } },
        ...keyWrites(draft, (Key) => ({ Delete: { Key } })),
      ]),
    events: async (tenantId, id) => {
      const list = { partition: eventList(tenantId, id), indexed: false, newestFirst: true };
      return (await queryAll(list)).map(toEvent);
    },
  };
}

const keyWrites = (
  { tenantId, requestKey }: TrainingJob,
  write: (key: ReturnType<typeof requestKeyKey>) => Write,
): readonly Write[] => (requestKey === null ? [] : [write(requestKeyKey(tenantId, requestKey.hash))]);

const takesNewSlot = ({ before, after }: JobChange): boolean => takesSlot(after) && !takesSlot(before);

const asRead = ({ version }: TrainingJob) => ({
  ConditionExpression: AS_READ,
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':version': version },
});

function writesOf(change: JobChange, slots: SlotLimits): readonly Write[] {
  const { before, after, event } = change;
  const moved =
    keyOf(before).pk === keyOf(after).pk
      ? [{ Put: { Item: jobItem(after), ...asRead(before) } }]
      : [
          { Delete: { Key: keyOf(before), ...asRead(before) } },
          { Put: { Item: jobItem(after), ConditionExpression: NOT_THERE } },
        ];
  return [
    ...moved,
    ...(event === null ? [] : [{ Put: { Item: eventItem(after.tenantId, after.version, event) } }]),
    ...slotWrites(change, slots),
  ];
}

function slotWrites(change: JobChange, { perTenant, overall }: SlotLimits): readonly Write[] {
  const { id, tenantId } = change.after;
  if (takesNewSlot(change)) return [take(tenantId, id, perTenant), take('all', id, overall)];
  if (takesSlot(change.before) && !takesSlot(change.after)) return [leave(tenantId, id), leave('all', id)];
  return [];
}

const take = (of: TenantId | 'all', id: string, limit: number): Write => ({
  Update: {
    Key: slotsKey(of),
    UpdateExpression: 'ADD jobs :one',
    ConditionExpression: 'attribute_not_exists(jobs) OR size(jobs) < :limit',
    ExpressionAttributeValues: { ':one': new Set([id]), ':limit': limit },
  },
});

const leave = (of: TenantId | 'all', id: string): Write => ({
  Update: {
    Key: slotsKey(of),
    UpdateExpression: 'DELETE jobs :one',
    ExpressionAttributeValues: { ':one': new Set([id]) },
  },
});
