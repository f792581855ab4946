import { afterAll, beforeAll, expect, test } from 'vitest';
import { undeployAdapter } from '#core/adapters/directAdapter.ts';
import type { AdapterArchives } from '#core/adapters/ports.ts';
import type { RolloutChange } from '#core/routing/applyChange.ts';
import { changeRollout } from '#core/routing/changeRollout.ts';
import { checkVersion } from '#core/routing/checkVersion.ts';
import { componentName } from '#core/routing/resolveVersion.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { addModel } from '#core/tenants/addModel.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { type Agency, startAgency } from '#test/builders/agency.ts';
import { interleave, ordersOf } from '#test/builders/interleave.ts';
import { registerDeployed } from '#test/builders/registeredAdapter.ts';

// Two people at once, on the real table: one leads a model to an adapter, the other takes the adapter down.

const ONE = 'adp_one' as AdapterId;
const TWO = 'adp_two' as AdapterId;
const ACT = { actor: 'test', reason: 'a test' };
/** It reads the adapter and the models, and writes. */
const CALLS_TO_TAKE_DOWN = 3;
const NO_ARCHIVES = {} as AdapterArchives;

/** A tenant whose model `support` leads to its first adapter, with the second one deployed beside it. */
async function newTenant() {
  const { directory, world } = agency.deps;
  const { client, prefix } = agency.database;
  const adapters = makeAdapterStore(client, `${prefix}directory`);
  const rollouts = makeRolloutStore(client, `${prefix}directory`);
  const tenantId = (await agency.newTenant()).id as TenantId;
  const desk = { adapters, directory, rollouts, queue: { send: async () => undefined } };
  await registerDeployed(adapters, tenantId, [ONE, TWO]);

  const create = (alias: string, adapterId: AdapterId) => async (ports: typeof desk) => {
    const wanted = { alias, baseModel: 'tunegate-nano', adapterId };
    const version = { ...wanted, inferenceComponentName: componentName(wanted) };
    const checked = await checkVersion(ports, tenantId, version);
    if (!checked.ok) return checked;
    return addModel({ ...ports, world }, { tenantId, wanted, act: ACT, use: checked.value });
  };
  const change = (wanted: RolloutChange) => (ports: typeof desk) =>
    changeRollout({ ...ports, world }, { tenantId, alias: 'support', change: wanted, act: ACT });
  const takeDown = (ports: typeof desk) =>
    undeployAdapter(
      { ...ports, world, archives: NO_ARCHIVES, sha256: nodeCrypto.sha256Hex },
      { tenantId, adapterId: TWO },
      ACT,
    );
  await create('support', ONE)(desk);
  return { tenantId, desk, create, change, takeDown };
}
type World = Awaited<ReturnType<typeof newTenant>>;

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const version = { adapterId: TWO };
test.each([
  ['gives it a model', ({ create }: World) => create('new', TWO), 3],
  ['promotes it', ({ change }: World) => change({ action: 'promote', version }), 4],
  ['makes it a canary', ({ change }: World) => change({ action: 'canary', version, percent: 5 }), 4],
  ['goes back to it', ({ change }: World) => change({ action: 'rollback' }), 3],
] as const)(
  'whoever %s while another takes it down: one of them is told so, at whatever moments they meet',
  async (name, lead, calls) => {
    const outcomes = new Set<string>();
    for (const order of ordersOf(calls, CALLS_TO_TAKE_DOWN)) {
      const world = await newTenant();
      const { tenantId, desk, change, takeDown } = world;
      if (name === 'goes back to it') {
        await change({ action: 'promote', version })(desk);
        await change({ action: 'promote', version: { adapterId: ONE } })(desk);
      }
      const [led, down] = await interleave<{ readonly ok: boolean }>(order, [
        (along) => lead(world)(along(desk)),
        (along) => takeDown(along(desk)),
      ]);
      outcomes.add(JSON.stringify([led?.ok, down?.ok]));
      const models = await desk.directory.listModels(tenantId);
      const used = models.some(
        ({ adapterId, rollout }) => adapterId === TWO || rollout?.canary?.version.adapterId === TWO,
      );
      const status = (await desk.adapters.read(tenantId, TWO))?.status;
      expect([order, used, status]).toEqual([order, led?.ok, led?.ok ? 'deployed' : 'registered']);
    }
    expect([...outcomes].sort()).toEqual(['[false,true]', '[true,false]']);
  },
);
