import { jobPrefix } from '#core/training/trainingRequest.ts';
import { ADAPTER_FILES } from './archiveRules.ts';
import { adaptableBase } from './bases.ts';
import type { AdapterRef } from './changeAdapter.ts';
import type { LineageFile } from './checkContent.ts';
import type { AdapterDesk } from './ports.ts';
import { type Adapter, archiveKey, exportKey } from './types.ts';

const LINK_SECONDS = 300;

export type AdapterExport = {
  readonly adapter: Adapter;
  /** Answers the archive, for five minutes. */
  readonly url: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly expiresAtMs: number;
};

/**
 * Packs everything that an adapter is into one archive: PEFT and GGUF, the dataset version that it learnt from, its
 * lineage, and checksums. Undefined: the tenant has no such adapter.
 */
export async function exportAdapter(
  { adapters, archives, world }: AdapterDesk,
  { tenantId, adapterId }: AdapterRef,
): Promise<AdapterExport | undefined> {
  const adapter = await adapters.read(tenantId, adapterId);
  if (adapter === undefined) return undefined;
  const base = adaptableBase(adapter.baseModel);
  if (base === undefined) throw new Error(`the base ${adapter.baseModel} is not in the table of bases`);
  const to = exportKey(adapter);
  const written = await archives.writeExport({
    archiveKey: archiveKey(adapter),
    base,
    folders: datasetFolders(adapter),
    texts: [
      // What its trainer would have written, so that whoever registers `peft/` elsewhere takes the lineage along.
      {
        path: `peft/${ADAPTER_FILES.lineage}`,
        text: `${JSON.stringify(trainersLineage(adapter), null, 1)}\n`,
      },
      { path: 'lineage.json', text: `${JSON.stringify(lineageDocument(adapter), null, 1)}\n` },
      { path: 'README.txt', text: README },
    ],
    atMs: adapter.createdAtMs,
    to,
  });
  const url = await archives.presignDownload(to, `${adapter.id}.tar.gz`, LINK_SECONDS);
  return { adapter, url, ...written, expiresAtMs: world.clock() + LINK_SECONDS * 1_000 };
}

/** A job's dataset version, as it was trained on. */
function datasetFolders({ tenantId, lineage }: Adapter): Readonly<Record<string, string>> {
  if (lineage.jobId === null) return {};
  const prefix = jobPrefix({ tenantId, id: lineage.jobId });
  return { 'dataset/train/': `${prefix}train/`, 'dataset/validation/': `${prefix}validation/` };
}

const lineageDocument = (adapter: Adapter) => ({
  adapter: adapter.id,
  base_model: adapter.baseModel,
  base_sha256: adapter.baseSha256,
  registered_at: new Date(adapter.createdAtMs).toISOString(),
  content: adapter.content,
  lineage: adapter.lineage,
  fingerprint: adapter.fingerprint === null ? null : { probes: adapter.probes, ...adapter.fingerprint },
});

const trainersLineage = ({ baseSha256, lineage }: Adapter): LineageFile => ({
  baseSha256,
  ...(lineage.dataset === null
    ? {}
    : {
        datasetSha256: lineage.dataset.sha256,
        validationSha256: lineage.dataset.validationSha256,
        ...(lineage.dataset.examples === null ? {} : { examples: lineage.dataset.examples }),
      }),
  settings: lineage.hyperParameters,
  metrics: lineage.metrics,
  versions: lineage.versions,
  ...(lineage.trainedSeconds === null ? {} : { seconds: lineage.trainedSeconds }),
});

const README = `An adapter of Tunegate, with everything that it was made of.

peft/          loads with PEFT and vLLM on the base model that lineage.json names by its SHA-256. Tunegate takes it
               back under the same name: tar -czf adapter.tar.gz -C peft . and tunegate adapters register
gguf/          the same adapter for llama.cpp (--lora)
dataset/       the examples it learnt from, and those that were held apart; absent where they were never here
lineage.json   dataset, base, hyper-parameters, metrics, and answers by which the adapter can be recognised
SHA256SUMS     checks every file: sha256sum -c SHA256SUMS
`;
