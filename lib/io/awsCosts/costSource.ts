import { createHash } from 'node:crypto';
import type { AwsCostSource, ReconciliationStore } from '#core/reconciliation/ports.ts';
import type { AwsCosts } from '#core/reconciliation/types.ts';
import { err, ok } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import { type AwsExport, type ExportFile, filesOfMonth, UnreadableExport } from './exportFiles.ts';
import { readExport } from './readExport.ts';

/**
 * AWS's costs of a month: from its export, where one is set up, else as they were imported last. An export that has
 * not changed since is not read again.
 */
export const makeAwsCostSource = (
  store: Pick<ReconciliationStore, 'readCosts' | 'saveCosts'>,
  { files: list, clock }: { readonly files: AwsExport | undefined; readonly clock: Clock },
): AwsCostSource => ({
  ofMonth: async (month) => {
    const stored = await store.readCosts(month);
    if (list === undefined) return ok(stored);
    try {
      const files = filesOfMonth(await list(), month);
      if (files.length === 0) return ok(stored);
      const version = versionOf(files);
      if (stored?.version === version) return ok(stored);
      const costs: AwsCosts = { ...(await readExport(files, month)), version, importedAtMs: clock() };
      await store.saveCosts(costs);
      return ok(costs);
    } catch (error) {
      if (error instanceof UnreadableExport)
        return err({ code: 'aws_costs_unreadable', detail: error.message });
      throw error;
    }
  },
});

/** Another one for every change of a file. */
function versionOf(files: readonly ExportFile[]): string {
  const hash = createHash('sha256');
  for (const line of files
    .map(({ name, sizeBytes, changedAtMs }) => `${name}\n${sizeBytes}\n${changedAtMs}`)
    .sort())
    hash.update(`${line}\n`);
  return hash.digest('hex');
}
