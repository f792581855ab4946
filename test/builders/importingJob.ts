import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import { checkpointPrefix, jobPrefix } from '#core/training/trainingRequest.ts';
import type { startAdapterDesk } from './adapters.ts';
import { adapterArchive } from './archives.ts';
import { aDataset, GRANTED, nextBody } from './jobs.ts';
import { aGrant } from './ledger.ts';

type Desk = Pick<Awaited<ReturnType<typeof startAdapterDesk>>, 'agency' | 'aws' | 'bucket' | 'jobs'>;

/**
 * A tenant with a job of four epochs whose training is over. Its archive, its training data, and what is beside its
 * checkpoints (`kept`, by name) are where training leaves them.
 */
export async function newImportingJob(
  { agency, aws, bucket, jobs }: Desk,
  {
    tenant: known,
    archive = adapterArchive(),
    kept = {},
  }: {
    /** Absent: a new one. */
    readonly tenant?: Awaited<ReturnType<Desk['agency']['newTenant']>>;
    readonly archive?: Uint8Array | undefined;
    readonly kept?: Readonly<Record<string, Uint8Array | string>>;
  },
) {
  const put = (Key: string, Body: Uint8Array | string) =>
    aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  const tenant = known ?? (await agency.newTenant());
  const tenantId = tenant.id as TenantId;
  const { ledger } = jobs.desk;
  await ledger.openAccount(tenantId, ZERO);
  if (known === undefined) await ledger.grant(aGrant(tenantId, nextBody(), { amountMicro: GRANTED }));
  const created = await jobs.newJob(tenantId);
  const ref = { tenantId, jobId: created.id };
  await jobs.advance(ref, 'waiting', { dataset: aDataset() });
  await jobs.advance(ref, 'starting');
  await jobs.advance(ref, 'training');
  const prefix = jobPrefix(created);
  const artifactKey = `${prefix}output/model.tar.gz`;
  await put(artifactKey, archive);
  const line = (text: string) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: text },
        { role: 'assistant', content: 'label' },
      ],
    });
  await put(`${prefix}train/train.jsonl`, `${line('Where is it?')}\n${line('Money back!')}\n`);
  for (const [name, bytes] of Object.entries(kept)) await put(`${checkpointPrefix(created)}${name}`, bytes);
  const job = await jobs.advance(ref, 'importing', { artifactKey, trainedEpochs: 4 });
  /** What is beside its checkpoints now. */
  const left = async (): Promise<readonly string[]> => {
    const Prefix = checkpointPrefix(job);
    const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }));
    return Contents.map(({ Key = '' }) => Key.slice(Prefix.length));
  };
  return { job, tenant, ref, message: JSON.stringify({ kind: 'import', ...ref }), left };
}
