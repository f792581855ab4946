import { type AddModelRefused, addModel } from '#core/tenants/addModel.ts';
import { type Act, auditRecord } from '#core/tenants/tenancy.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { changeAdapter } from './changeAdapter.ts';
import { type Look, WAITING } from './endpointSteps.ts';
import type { DeployDesk } from './ports.ts';
import type { Adapter } from './types.ts';

// A checkpoint's adapter has names of its own: its models come and go with its service.

const actOn = ({ id }: Adapter, what: string): Act => ({ actor: 'tunegate', reason: `${id} ${what}` });

/** Gives an adapter that came into service its own names. One that was led elsewhere since stays there. */
export async function giveNames(desk: DeployDesk, adapter: Adapter): Promise<Look> {
  let refused: AddModelRefused | undefined;
  for (const alias of adapter.modelNames ?? []) {
    const reason = await addAdapterModel(desk, adapter, { alias, act: actOn(adapter, 'came into service') });
    if (reason?.code === 'changed_meanwhile') return WAITING;
    if (reason !== undefined && reason.code !== 'alias_taken') refused = reason;
  }
  if (refused !== undefined) desk.log('an adapter has not got its names', { adapterId: adapter.id, refused });
  const statusDetails = refused === undefined ? null : `${refused.code}: it has not got all of its names.`;
  const ref = { tenantId: adapter.tenantId, adapterId: adapter.id };
  const named = await changeAdapter(desk, ref, (found) => {
    const { unnamed, ...rest } = found;
    return unnamed === undefined ? undefined : { ...rest, statusDetails, version: found.version + 1 };
  });
  return named === undefined ? { kind: 'unknown' } : { kind: 'settled', adapter: named };
}

/** Takes an adapter's own names away, for nothing answers them now. */
export async function takeNames({ directory, world }: DeployDesk, adapter: Adapter): Promise<void> {
  if (adapter.modelNames === undefined) return;
  for (const { alias } of ownModels(adapter, await directory.listModels(adapter.tenantId))) {
    const audit = auditRecord(world, actOn(adapter, 'left service'), {
      action: 'model.remove',
      tenantId: adapter.tenantId,
      details: { alias },
    });
    await directory.removeModel(adapter.tenantId, alias, audit);
  }
}

/** The models of an adapter's own names that lead to it, and to nothing else. */
export const ownModels = (
  { id, modelNames = [] }: Adapter,
  models: readonly ModelRoute[],
): readonly ModelRoute[] =>
  models.filter(
    ({ alias, adapterId, rollout }) =>
      modelNames.includes(alias) &&
      adapterId === id &&
      rollout?.canary === undefined &&
      rollout?.shadow === undefined,
  );

/** Gives a tenant a model that a deployed adapter answers, where it is deployed. Answers why it cannot be. */
export async function addAdapterModel(
  desk: DeployDesk,
  { tenantId, id: adapterId, baseModel, endpoint }: Adapter,
  { alias, act }: { readonly alias: string; readonly act: Act },
): Promise<AddModelRefused | undefined> {
  const engine = endpoint === undefined ? {} : { engine: { kind: 'sagemaker' as const, endpoint } };
  const added = await addModel(desk, {
    tenantId,
    wanted: { alias, baseModel, adapterId, ...engine },
    act,
    use: { tenantId, adapterId, endpoint: endpoint ?? null },
  });
  return added.ok ? undefined : added.error;
}
