import { type WatchDesk, watchAdapters } from '#core/adapters/watchAdapters.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { makeCopiesBook } from '#io/dynamodb/copiesBook.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { scriptedEndpoint, type startAdapterDesk } from './adapters.ts';
import { adapterArchive } from './archives.ts';

const MINUTE_MS = 60_000;

/** One tenant alone, its adapter deployed on a scripted endpoint, and a model that it answers. */
export async function watchedAdapter(at: Awaited<ReturnType<typeof startAdapterDesk>>) {
  const { path, id: tenantId } = await at.agency.newTenant();
  const { endpoint, overview, script, components } = scriptedEndpoint();
  const { client, prefix } = at.agency.database;
  const worker = at.desk(endpoint);
  const { body: adapter } = await at.register(path, adapterArchive());
  const own = `${path}/adapters/${adapter.id}`;
  const read = async () => (await at.call('GET', own)).body;
  await at.call('POST', `${own}/deploy`);
  await at.work(worker);
  const model = { alias: 'support', base_model: 'tunegate-nano', adapter_id: adapter.id };
  await at.agency.admin('POST', `${path}/models`, model);
  const notices = makeNoticeOutbox(client, `${prefix}billing`);
  const desk: WatchDesk = {
    ...worker,
    directory: {
      listTenants: async () => ({
        tenants: [await worker.directory.readTenant(tenantId as TenantId)].filter(
          (found) => found !== undefined,
        ),
        nextCursor: null,
      }),
    },
    endpoint: overview,
    copies: makeCopiesBook(client, `${prefix}directory`),
    notices,
  };
  const { failures } = at;
  failures.length = 0;
  return {
    path,
    tenantId: tenantId as TenantId,
    id: adapter.id as AdapterId,
    component: String(adapter.inference_component_name),
    own,
    read,
    script,
    components,
    worker,
    desk,
    /** A run of the watch, and all that follows from it. */
    watch: async (afterMs = 5 * MINUTE_MS) => {
      at.agency.clock.nowMs += afterMs;
      const report = await watchAdapters(desk);
      await at.work(worker, 1_000);
      return report;
    },
    told: async (kind: string) => {
      const { notices: due } = await notices.list({ state: 'due', limit: 100 });
      return due.filter(
        ({ content }) => JSON.stringify(content).includes(adapter.id) && content.kind === kind,
      );
    },
  };
}
