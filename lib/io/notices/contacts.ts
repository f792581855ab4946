import type { NoticeContacts } from '#core/notices/ports.ts';
import type { Directory } from '#core/tenants/ports.ts';

const AGENCY_NAME = 'Your agency';

/** Contacts as the directory has them; the agency's own is a setting of the deployment. */
export function makeNoticeContacts(
  directory: Pick<Directory, 'readTenant'>,
  agencyEmail: string | undefined,
): NoticeContacts {
  return {
    find: async (to, tenantId) => {
      const tenant = tenantId === null ? undefined : await directory.readTenant(tenantId);
      const name = tenant?.name ?? AGENCY_NAME;
      if (to === 'agency') {
        return { name, addresses: agencyEmail === undefined ? {} : { email: agencyEmail } };
      }
      const { noticeEmail, noticeWebhookUrl } = tenant ?? {};
      return {
        name,
        addresses: {
          ...(noticeEmail === undefined ? {} : { email: noticeEmail }),
          ...(noticeWebhookUrl === undefined ? {} : { webhook: noticeWebhookUrl }),
        },
      };
    },
  };
}
