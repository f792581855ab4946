import type { AdapterUse } from '#core/adapters/types.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import type { Write } from './writeTogether.ts';

export const adapterPartition = (tenantId: TenantId) => `adapters#${tenantId}`;
export const adapterKey = (tenantId: TenantId, id: AdapterId) => ({ pk: adapterPartition(tenantId), sk: id });

/** Part of the write that leads a model to an adapter: see `AdapterUse`. */
export const writeUse = ({ tenantId, adapterId, endpoint }: AdapterUse): Write => ({
  Update: {
    Key: adapterKey(tenantId, adapterId),
    UpdateExpression: 'SET #version = #version + :one',
    ConditionExpression: `#status = :deployed AND ${endpoint === null ? 'attribute_not_exists(endpoint)' : 'endpoint = :endpoint'}`,
    ExpressionAttributeNames: { '#version': 'version', '#status': 'status' },
    ExpressionAttributeValues: {
      ':one': 1,
      ':deployed': 'deployed',
      ...(endpoint === null ? {} : { ':endpoint': endpoint }),
    },
  },
});
