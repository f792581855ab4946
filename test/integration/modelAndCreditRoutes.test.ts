import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { systemWorld } from '#io/world.ts';
import { type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';
import { aDeployedAdapter } from '#test/builders/registeredAdapter.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const admin: Agency['admin'] = (...args) => agency.admin(...args);

describe('models', () => {
  const MODEL = { alias: 'acme/support', base_model: 'tunegate-nano', adapter_id: 'adp_01k' };

  test('a model is added, answered to its tenant alone as OpenAI has it, and taken away', async () => {
    const [mine, theirs] = [await agency.newTenant(), await agency.newTenant()];
    await agency.deployed(mine.id, MODEL.adapter_id);
    const added = await admin('POST', `${mine.path}/models`, MODEL);
    expect(added).toMatchObject({ status: 201, body: { inference_component_name: 'adp-01k' } });
    expect(await admin('POST', `${mine.path}/models`, MODEL)).toMatchObject({
      status: 200,
      body: added.body,
    });
    expect((await admin('GET', `${mine.path}/models`)).body.data).toEqual([added.body]);

    const object = { id: 'acme/support', object: 'model', owned_by: mine.id };
    for (const path of ['/models/acme%2Fsupport', '/models/acme/support']) {
      expect(await agency.call('GET', path, { key: mine.apiKey })).toMatchObject({
        status: 200,
        body: object,
      });
      expect(await agency.call('GET', path, { key: theirs.apiKey })).toMatchObject(
        refusal(404, 'model_not_found'),
      );
    }
    expect((await agency.call('GET', '/models', { key: mine.apiKey })).body.data).toMatchObject([object]);
    expect((await agency.call('GET', '/models', { key: theirs.apiKey })).body.data).toEqual([]);

    const path = `${mine.path}/models/acme%2Fsupport`;
    expect(await admin('DELETE', path.replace(mine.id, theirs.id))).toMatchObject(
      refusal(404, 'model_not_found'),
    );
    expect(await admin('DELETE', path)).toMatchObject({ status: 200, body: { deleted: true } });
    expect(await admin('DELETE', path)).toMatchObject(refusal(404, 'model_not_found'));
  });

  test('an alias that another model has is refused; the bare base is a model too', async () => {
    const { id, path } = await agency.newTenant();
    await agency.deployed(id, MODEL.adapter_id, 'adp_02k');
    await admin('POST', `${path}/models`, MODEL);
    const other = await admin('POST', `${path}/models`, { ...MODEL, adapter_id: 'adp_02k' });
    expect(other).toMatchObject(refusal(409, 'already_exists', 'alias'));
    const base = await admin('POST', `${path}/models`, { alias: 'base', base_model: 'tunegate-nano' });
    expect(base).toMatchObject({
      status: 201,
      body: { adapter_id: null, inference_component_name: 'tunegate-nano' },
    });
  });

  test('an adapter answers for its own tenant alone, and only where it is deployed', async () => {
    const [mine, theirs] = [await agency.newTenant(), await agency.newTenant()];
    await agency.deployed(theirs.id, MODEL.adapter_id);
    const post = (body: object) => admin('POST', `${mine.path}/models`, { ...MODEL, ...body });
    expect(await post({})).toMatchObject(refusal(404, 'not_found', 'adapter_id'));
    const { database } = agency;
    const adapters = makeAdapterStore(database.client, `${database.prefix}directory`);
    await adapters.create(aDeployedAdapter(mine.id, 'adp_03k', { status: 'registered' }), {});
    await adapters.create(aDeployedAdapter(mine.id, 'adp_04k', { baseModel: 'other' }), {});
    expect(await post({ adapter_id: 'adp_03k' })).toMatchObject(refusal(409, 'conflict', 'adapter_id'));
    expect(await post({ adapter_id: 'adp_04k' })).toMatchObject(refusal(409, 'conflict', 'adapter_id'));
    expect(await post({ inference_component_name: 'by-hand' })).toMatchObject({ status: 201 });
  });

  test.each([
    [{}, 'alias'],
    [{ ...MODEL, alias: 'has space' }, 'alias'],
    [{ ...MODEL, alias: '../up' }, 'alias'],
    [{ ...MODEL, alias: 'x'.repeat(129) }, 'alias'],
    [{ ...MODEL, base_model: null }, 'base_model'],
    [{ ...MODEL, base_model: 'gpt-4o' }, 'base_model'],
    [{ ...MODEL, adapter_id: 'key_1' }, 'adapter_id'],
    [{ ...MODEL, inference_component_name: 'under_score' }, 'inference_component_name'],
    [{ ...MODEL, inference_component_name: 'x'.repeat(64) }, 'inference_component_name'],
  ])('adding %j is refused at %s', async (body, param) => {
    const { path } = await agency.newTenant();
    expect(await admin('POST', `${path}/models`, body)).toMatchObject(refusal(400, 'invalid_request', param));
  });

  test('an unknown tenant is 404', async () => {
    expect(await admin('POST', `${NOBODY}/models`, MODEL)).toMatchObject(refusal(404, 'not_found'));
    expect(await admin('GET', `${NOBODY}/models`)).toMatchObject(refusal(404, 'not_found'));
    expect(await admin('DELETE', `${NOBODY}/models/x`)).toMatchObject(refusal(404, 'model_not_found'));
  });
});

describe('credits', () => {
  const adjust = (path: string, amount: string, key?: string) =>
    admin(
      'POST',
      `${path}/credits`,
      { amount, reason: 'goodwill' },
      key ? { headers: { 'idempotency-key': key } } : {},
    );

  test('a positive amount grants, a negative one takes, and below zero nothing is taken', async () => {
    const { path } = await agency.newTenant();
    expect(await adjust(path, '10.5')).toMatchObject({
      status: 200,
      body: { amount: '10.5', account: { available: '10.5' } },
    });
    expect(await adjust(path, '-0.000001')).toMatchObject({ body: { account: { available: '10.499999' } } });
    const refused = await adjust(path, '-11');
    expect(refused).toMatchObject(refusal(409, 'conflict', 'amount'));
    expect(refused.body.error.message).toContain('10.499999');
    expect((await admin('GET', path)).body.account.available).toBe('10.499999');
  });

  test('a repeat with the same idempotency key changes nothing; another amount under it is a conflict', async () => {
    const { path } = await agency.newTenant();
    expect(await adjust(path, '5', 'once')).toMatchObject({ body: { outcome: 'applied' } });
    expect(await adjust(path, '5', 'once')).toMatchObject({
      body: { outcome: 'duplicate', account: { available: '5' } },
    });
    for (const other of ['6', '-5', '-1']) {
      expect(await adjust(path, other, 'once')).toMatchObject(refusal(409, 'idempotency_conflict'));
    }
    await adjust(path, '5');
    await adjust(path, '5');
    expect((await admin('GET', path)).body.account.available).toBe('15');
  });

  test('a repeat adds no record to the audit log, unless a crash kept the first one back', async () => {
    const { id, path } = await agency.newTenant();
    const recorded = async () => {
      const log = await admin('GET', '/admin/audit', undefined, { query: { tenant: id } });
      return log.body.data.filter((record: { action: string }) => record.action === 'credits.adjust');
    };
    await adjust(path, '5', 'recorded');
    await adjust(path, '5', 'recorded');
    expect(await recorded()).toMatchObject([{ reason: 'goodwill', details: { amount: '5' } }]);

    await agency.deps.ledger.grant({
      tenantId: id as TenantId,
      grantId: systemWorld.newId('grant'),
      kind: 'adjustment',
      amountMicro: micro(2_000_000),
      source: { kind: 'admin', id: 'crashed' },
      reason: 'goodwill',
      actor: 'admin',
      nowMs: agency.clock.nowMs,
    });
    expect(await adjust(path, '2', 'crashed')).toMatchObject({ body: { outcome: 'duplicate' } });
    expect(await recorded()).toHaveLength(2);
  });

  test.each(['0', '-0', '', 'ten', '1e3', '0.0000001', '1234567890', '1,5', 'NaN', 'Infinity'])(
    'the amount %j is refused',
    async (amount) => {
      const { path } = await agency.newTenant();
      expect(await adjust(path, amount)).toMatchObject(refusal(400, 'invalid_request', 'amount'));
    },
  );

  test('a reason is required, a number is no amount, and an unknown tenant is 404', async () => {
    const { path } = await agency.newTenant();
    expect(await admin('POST', `${path}/credits`, { amount: '1' })).toMatchObject(
      refusal(400, 'invalid_request', 'reason'),
    );
    const number = { amount: 1, reason: 'x' };
    expect(await admin('POST', `${path}/credits`, number)).toMatchObject(
      refusal(400, 'invalid_request', 'amount'),
    );
    expect(await adjust(NOBODY, '1')).toMatchObject(refusal(404, 'not_found'));
    expect(await adjust(path, '1', 'with space')).toMatchObject(refusal(400, 'invalid_request'));
  });

  test('the account book is listed in pages, to its tenant without actors and to the agency with them', async () => {
    const { path, apiKey } = await agency.newTenant();
    await adjust(path, '5');
    agency.clock.nowMs += 1_000;
    await adjust(path, '-2');
    const own = await agency.call('GET', '/credits/entries', { key: apiKey });
    expect(own.body.data).toMatchObject([
      { kind: 'debit', amount: '-2', reason: 'goodwill', source: { kind: 'admin' } },
      { kind: 'grant', amount: '5' },
    ]);
    expect(JSON.stringify(own.body)).not.toContain('actor');
    const first = await admin('GET', `${path}/credits/entries`, undefined, { query: { limit: '1' } });
    expect(first.body).toMatchObject({ has_more: true, data: [{ amount: '-2' }] });
    expect(first.body.data[0].actor).toMatch(/^admin-/);
    const query = { cursor: first.body.next_cursor };
    const rest = await admin('GET', `${path}/credits/entries`, undefined, { query });
    expect(rest.body).toMatchObject({ has_more: false, data: [{ amount: '5' }] });
    expect(await admin('GET', `${NOBODY}/credits/entries`)).toMatchObject(refusal(404, 'not_found'));
    for (const cursor of ['x', '{}', 'ent_1', '\u0000', 'ü'.repeat(100)]) {
      const answer = await admin('GET', `${path}/credits/entries`, undefined, { query: { cursor } });
      expect(answer).toMatchObject(refusal(400, 'invalid_request'));
    }
  });
});
