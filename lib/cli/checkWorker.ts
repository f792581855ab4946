import { createReadStream } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod/mini';
import { checkDataset } from '#core/datasets/checkDataset.ts';
import { makeDatasetTools } from '#io/datasets/tools.ts';

// The worker's part of `tunegate dataset check`: checks one file and posts its report.
const { path, tokenizers, baseModel, use } = z.parse(
  z.object({
    path: z.string(),
    tokenizers: z.string(),
    baseModel: z.string(),
    use: z.enum(['training', 'evaluation']),
  }),
  workerData,
);
const tools = await makeDatasetTools(tokenizers, baseModel);
parentPort?.postMessage(await checkDataset(createReadStream(path), tools, { use }));
