import type { AdapterUse } from '#core/adapters/types.ts';
import { sameVersion } from '#core/routing/applyChange.ts';
import { componentName } from '#core/routing/resolveVersion.ts';
import type { EnginePlace } from '#core/routing/types.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type Act, auditRecord, type Tenancy } from './tenancy.ts';
import type { ModelRoute } from './types.ts';

/** A tenant's models are read whole with its key, so their number has a limit. */
export const MAX_MODELS_PER_TENANT = 500;

export type WantedModel = {
  readonly alias: string;
  readonly baseModel: string;
  readonly adapterId: AdapterId | null;
  /** Absent: SageMaker's name is derived from the adapter's id, or is the base model's. */
  readonly inferenceComponentName?: string;
  /** Absent: the SageMaker endpoint that all tenants share. */
  readonly engine?: EnginePlace;
};

export type AddModelRefused =
  | { readonly code: 'tenant_not_found' }
  | { readonly code: 'alias_taken' }
  | { readonly code: 'too_many_models' }
  /** The adapter that it was to lead to left, or somebody else took the name for a moment. */
  | { readonly code: 'changed_meanwhile' };

/**
 * Gives a tenant a model name and what answers it. The same model again changes nothing.
 * Errors: tenant_not_found, alias_taken (by another model), too_many_models, changed_meanwhile. `use` is the adapter
 * that it leads to, where the registry has it.
 */
export async function addModel(
  { world, directory }: Pick<Tenancy, 'world' | 'directory'>,
  {
    tenantId,
    wanted,
    act,
    use = null,
  }: {
    readonly tenantId: TenantId;
    readonly wanted: WantedModel;
    readonly act: Act;
    readonly use?: AdapterUse | null;
  },
): Promise<Result<{ readonly model: ModelRoute; readonly created: boolean }, AddModelRefused>> {
  const model: ModelRoute = {
    tenantId,
    alias: wanted.alias,
    baseModel: wanted.baseModel,
    adapterId: wanted.adapterId,
    inferenceComponentName: wanted.inferenceComponentName ?? componentName(wanted),
    ...(wanted.engine === undefined ? {} : { engine: wanted.engine }),
    createdAtMs: world.clock(),
  };
  const models = await directory.listModels(tenantId);
  const existing = models.find(({ alias }) => alias === model.alias);
  if (existing !== undefined) {
    return sameVersion(existing, model)
      ? ok({ model: existing, created: false })
      : err({ code: 'alias_taken' });
  }
  if (models.length >= MAX_MODELS_PER_TENANT) return err({ code: 'too_many_models' });
  const { alias, baseModel, adapterId, inferenceComponentName } = model;
  const details = { alias, baseModel, adapterId, inferenceComponentName };
  const created = await directory.createModel(
    model,
    auditRecord(world, act, { action: 'model.create', tenantId, details }),
    use,
  );
  if (created) return ok({ model, created: true });
  if ((await directory.readTenant(tenantId)) === undefined) return err({ code: 'tenant_not_found' });
  const isTaken = (await directory.listModels(tenantId)).some((other) => other.alias === alias);
  return err({ code: isTaken ? 'alias_taken' : 'changed_meanwhile' });
}
