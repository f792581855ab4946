import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scriptedEndpoint, startAdapterDesk } from '#test/builders/adapters.ts';
import { adapterArchive, tarGz } from '#test/builders/archives.ts';

type Desk = Awaited<ReturnType<typeof startAdapterDesk>>;
let at: Desk;
beforeAll(async () => {
  at = await startAdapterDesk();
}, 60_000);
afterAll(() => at.stop());

const newTenant = () => at.agency.newTenant();

test('an archive is uploaded, registered with its lineage, and the same again is the same adapter', async () => {
  const { path, id } = await newTenant();
  const upload = await at.upload(path, adapterArchive());
  const first = await at.call('POST', `${path}/adapters`, { upload, reason: 'from the old machine' });
  expect(first).toMatchObject({
    status: 201,
    body: {
      id: expect.stringMatching(/^adp_[0-9a-f]{40}$/),
      status: 'registered',
      rank: 8,
      lineage: { source: 'upload', dataset: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
      fingerprint: null,
    },
  });
  const repeated = await at.call('POST', `${path}/adapters`, { upload });
  expect(repeated).toMatchObject({ status: 200, body: { id: first.body.id } });
  const again = await at.register(path, adapterArchive({ 'README.md': 'packed otherwise' }));
  expect(again).toMatchObject({ status: 200, body: { id: first.body.id } });
  at.agency.clock.nowMs += 1;
  const other = await at.register(path, adapterArchive({}, 1));
  expect(other.status).toBe(201);
  const list = await at.call('GET', `${path}/adapters?limit=1`);
  expect(list.body).toMatchObject({ data: [{ id: other.body.id }], has_more: true });
  const rest = await at.call('GET', `${path}/adapters?cursor=${encodeURIComponent(list.body.next_cursor)}`);
  expect(rest.body).toMatchObject({ data: [{ id: first.body.id }], has_more: false });
  const { records } = await at.agency.deps.directory.listAudit({ limit: 10, tenantId: id as never });
  expect(records.map(({ action, reason }) => ({ action, reason }))).toContainEqual({
    action: 'adapter.register',
    reason: 'from the old machine',
  });
});

test('tenants never share an adapter, whatever they register', async () => {
  const [one, other] = await Promise.all([newTenant(), newTenant()]);
  const [first, second] = await Promise.all([at.register(one.path), at.register(other.path)]);
  expect(first.body.sha256).toEqual(second.body.sha256);
  expect(first.body.id).not.toBe(second.body.id);
});

test('another tenant’s adapter is nowhere to be found', async () => {
  const [owner, other] = await Promise.all([newTenant(), newTenant()]);
  const { body: adapter } = await at.register(owner.path);
  const routes = [
    ['GET', ''],
    ['POST', '/deploy'],
    ['POST', '/undeploy'],
    ['POST', '/retire'],
    ['POST', '/export'],
  ] as const;
  for (const [method, rest] of routes) {
    const answer = await at.call(method, `${other.path}/adapters/${adapter.id}${rest}`);
    expect({ rest, status: answer.status }).toEqual({ rest, status: 404 });
  }
  expect((await at.call('GET', `/adapters/${adapter.id}`, undefined, other.apiKey)).status).toBe(404);
  expect((await at.call('POST', `/adapters/${adapter.id}/export`, undefined, other.apiKey)).status).toBe(404);
  expect((await at.call('GET', '/adapters', undefined, other.apiKey)).body.data).toEqual([]);
  expect((await at.call('GET', `/adapters/${adapter.id}`, undefined, owner.apiKey)).status).toBe(200);
  expect((await at.call('GET', `${owner.path}/adapters`, undefined, owner.apiKey)).status).toBe(403);
  expect((await at.call('GET', `${owner.path}/adapters`, undefined, 'nobody')).status).toBe(401);
});

test('a hostile archive is refused by its code, and its bytes are not kept', async () => {
  const { path, id } = await newTenant();
  const hostile = tarGz([{ name: '../../etc/cron.d/x', data: 'x' }]);
  const upload = await at.upload(path, hostile);
  const refused = await at.call('POST', `${path}/adapters`, { upload });
  expect(refused).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid_request', archive_code: 'member_outside', param: 'upload' } },
  });
  const Key = `tenants/${id}/adapter-uploads/${upload}`;
  await expect(at.aws.s3.send(new HeadObjectCommand({ Bucket: at.bucket, Key }))).rejects.toThrow();
  expect((await at.call('GET', `${path}/adapters`)).body.data).toEqual([]);
});

test('what is not asked as it should be is refused', async () => {
  const { path } = await newTenant();
  const upload = (await at.call('POST', `${path}/adapters/uploads`, { bytes: 10 })).body.id;
  const refused = [
    await at.call('POST', `${path}/adapters`, { upload }), // nothing was uploaded
    await at.call('POST', `${path}/adapters`, { upload: 'file-1' }),
    await at.call('POST', `${path}/adapters`, { upload, base_model: 'constructor' }),
    await at.call('POST', `${path}/adapters`, { upload, probes: [] }),
    await at.call('POST', `${path}/adapters/uploads`, { bytes: 1e12 }),
    await at.call('GET', `${path}/adapters?limit=0`),
    await at.call('POST', `${path}/adapters/adp_1/deploy`, { force: true }),
  ];
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 400));
  const nobody = '/admin/tenants/ten_01k00000000000000000000000/adapters';
  expect((await at.call('GET', nobody)).status).toBe(404);
  expect((await at.call('POST', `${nobody}/uploads`, { bytes: 10 })).status).toBe(404);
  expect((await at.call('POST', `${path}/adapters/adp_1/deploy`)).status).toBe(404);
});

test('deployed, in use, undeployed, retired and brought back: each only where it may be', async () => {
  const { path } = await newTenant();
  const { body: adapter } = await at.register(path);
  const worker = at.desk(scriptedEndpoint().endpoint);
  const own = `${path}/adapters/${adapter.id}`;
  expect(await at.call('POST', `${own}/deploy`)).toMatchObject({
    status: 202,
    body: { status: 'deploying' },
  });
  expect(await at.call('POST', `${own}/deploy`)).toMatchObject({
    status: 202,
    body: { status: 'deploying' },
  });
  await at.work(worker);
  expect((await at.call('GET', own)).body).toMatchObject({
    status: 'deployed',
    fingerprint: { answers_compared: 10 },
  });
  expect((await at.call('POST', `${own}/retire`)).status).toBe(409);
  const model = { alias: 'support', base_model: 'tunegate-nano', adapter_id: adapter.id };
  expect((await at.agency.admin('POST', `${path}/models`, model)).status).toBe(201);
  const inUse = await at.call('POST', `${own}/undeploy`);
  expect(inUse).toMatchObject({
    status: 409,
    body: { error: { message: expect.stringContaining('support') } },
  });
  await at.agency.admin('DELETE', `${path}/models/support`);
  expect(await at.call('POST', `${own}/undeploy`)).toMatchObject({
    status: 202,
    body: { status: 'registered' },
  });
  await at.work(worker);
  expect(await at.call('POST', `${own}/retire`)).toMatchObject({ status: 200, body: { status: 'retired' } });
  expect(await at.call('POST', `${own}/retire`)).toMatchObject({ status: 200, body: { status: 'retired' } });
  expect((await at.call('POST', `${own}/deploy`)).status).toBe(409);
  expect(await at.register(path)).toMatchObject({
    status: 200,
    body: { id: adapter.id, status: 'registered' },
  });
});
