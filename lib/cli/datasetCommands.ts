import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Command } from 'commander';
import { reportDocument } from '#core/datasets/reportDocument.ts';
import type { DatasetReport } from '#core/datasets/types.ts';
import { baseModelOf } from '#core/inference/baseModels.ts';
import { CliError } from './cliError.ts';
import { findClientConnection } from './clientConnection.ts';
import type { ConnectionOptions } from './connection.ts';
import { printReport } from './printReport.ts';
import { pushFile } from './pushFile.ts';
import type { Terminal } from './session.ts';

const TOKENIZERS = fileURLToPath(new URL('../../layers/tokenizers', import.meta.url));

type PushOptions = ConnectionOptions & {
  readonly purpose: string;
  readonly apiKey?: string;
  readonly json?: boolean;
};
type CheckOptions = {
  readonly baseModel: string;
  readonly purpose: string;
  readonly json?: boolean;
};

/** `tunegate dataset …` */
export function addDatasetCommands(
  program: Command,
  terminal: Terminal & { readonly writeError: (text: string) => void },
  exitWith: (code: number) => void,
): void {
  const dataset = program.command('dataset').description('training data: check a file, push it to the API');

  dataset
    .command('check')
    .description(
      'check a file of examples on this machine, as the API checks it; exit code 1 when it has mistakes',
    )
    .argument('<file>', 'JSON lines in chat format, or {"prompt", "completion"}')
    .option('--base-model <id>', 'whose tokenizer counts', 'tunegate-nano')
    .option('--purpose <purpose>', 'fine-tune, or evals: then {"item": {…}} is taken too', 'fine-tune')
    .action(async (path: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<CheckOptions>();
      const document = await checkFile(path, options);
      if (options.json === true) terminal.write(`${JSON.stringify(document, null, 2)}\n`);
      else printReport(document, terminal.write);
      exitWith(document.valid ? 0 : 1);
    });

  dataset
    .command('push')
    .description('upload a file as a tenant and wait for its check; exit code 1 when it has mistakes')
    .argument('<file>', 'JSON lines in chat format, or {"prompt", "completion"}')
    .option('--purpose <purpose>', 'fine-tune or evals', 'fine-tune')
    .option('--api-key <key>', "the tenant's API key; better given as TUNEGATE_API_KEY")
    .action(async (path: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<PushOptions>();
      const pushed = await pushFile({
        ...findClientConnection(options, terminal.env),
        path,
        bytes: readable(path),
        purpose: options.purpose,
        progress: (text) => terminal.writeError(`${text}\n`),
      });
      if (options.json === true) terminal.write(`${JSON.stringify(pushed, null, 2)}\n`);
      else
        terminal.write(
          `${pushed.id}  ${pushed.status}  ${pushed.status_details ?? ''}`.trimEnd().concat('\n'),
        );
      exitWith(pushed.status === 'processed' ? 0 : 1);
    });
}

/** Tokenizing makes much garbage; with little room for the young of it, it is collected early. */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 16 };

/** In a worker of its own, whose memory can be limited. Throws a CliError when the base model is not known. */
async function checkFile(path: string, { baseModel, purpose }: CheckOptions) {
  readable(path);
  if (baseModelOf(baseModel) === undefined)
    throw new CliError('usage', `no base model is named ${baseModel}`);
  const tokenizers = process.env['TUNEGATE_TOKENIZERS_DIR'] ?? TOKENIZERS;
  const worker = new Worker(new URL('./checkWorker.ts', import.meta.url), {
    workerData: { path, tokenizers, baseModel, use: purpose === 'evals' ? 'evaluation' : 'training' },
    resourceLimits: WORKER_LIMITS,
  });
  const report = await new Promise<DatasetReport>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  return reportDocument(basename(path), report);
}

function readable(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) throw new CliError('usage', `there is no file ${path}`);
  return found.size;
}
