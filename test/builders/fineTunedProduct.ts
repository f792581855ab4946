import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import OpenAI from 'openai';
import * as z from 'zod/mini';
import type { RunningProduct } from './product.ts';

const POLL_MS = 250;
const ENDS = new Set(['succeeded', 'failed', 'cancelled']);
const Run = z.object({ awsUrl: z.string() });
const Secrets = z.object({ awsSecretAccessKey: z.string() });

export type Job = OpenAI.FineTuning.FineTuningJob;

/** The OpenAI SDK as one of the demonstration tenants. */
export function clientOf({ connection }: RunningProduct, tenant = 0) {
  const apiKey = connection.tenants[tenant]?.apiKey ?? '';
  return new OpenAI({ apiKey, baseURL: connection.baseUrl, maxRetries: 0 });
}

/** The product's own SQS, from the side that AWS would be on. */
export function servicesOf({ dataDir }: RunningProduct) {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(dataDir, name), 'utf8'));
  const { awsUrl } = Run.parse(read('run.json'));
  const { awsSecretAccessKey } = Secrets.parse(read('secrets.json'));
  const credentials = { accessKeyId: 'local', secretAccessKey: awsSecretAccessKey };
  return {
    awsUrl,
    sqs: new SQSClient({ endpoint: awsUrl, region: 'us-east-1', credentials }),
  };
}

export const upload = (client: OpenAI, content: Buffer) =>
  client.files.create({ file: new File([new Uint8Array(content)], 'train.jsonl'), purpose: 'fine-tune' });

/** Waits until the job is as wanted, or has ended. */
export async function waitFor(
  client: OpenAI,
  id: string,
  isWanted: (job: Job) => boolean = () => false,
): Promise<Job> {
  for (;;) {
    const job = await client.fineTuning.jobs.retrieve(id);
    if (isWanted(job) || ENDS.has(job.status)) return job;
    await sleep(POLL_MS);
  }
}

/** Every event of a job, oldest first. */
export async function historyOf(client: OpenAI, id: string) {
  const events: OpenAI.FineTuning.FineTuningJobEvent[] = [];
  for await (const event of client.fineTuning.jobs.listEvents(id, { limit: 100 })) events.push(event);
  return events.reverse();
}

/** What the tenant may spend, and what is held, in credits. */
export async function creditsOf(client: OpenAI): Promise<{ available: number; held: number }> {
  const Credits = z.object({ available: z.string(), held: z.string() });
  const { available, held } = Credits.parse(await client.get('/credits'));
  return { available: Number(available), held: Number(held) };
}

/** The share of a job's own numbers that OpenAI's type does not have. */
export const chargedOf = (job: Job): number =>
  Number(
    z.parse(z.object({ tunegate: z.object({ charged_credits: z.string() }) }), job).tunegate.charged_credits,
  );
