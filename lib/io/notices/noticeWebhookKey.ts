import { createHmac } from 'node:crypto';
import type { TenantId } from '#core/shared/ids.ts';

/** The key that signs a tenant's notices, `whsec_…`: made from our secret each time, so that none is stored. */
export const noticeWebhookKey = (secret: string, tenantId: TenantId | null): string =>
  `whsec_${createHmac('sha256', secret)
    .update(`tunegate-notices\n${tenantId ?? 'agency'}`)
    .digest('base64')}`;
