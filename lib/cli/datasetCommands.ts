import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CliError } from './cliError.ts';
import { printReport } from './printReport.ts';
import type { Terminal } from './session.ts';

const TOKENIZERS = fileURLToPath(new URL('../../layers/tokenizers', import.meta.url));

type CheckOptions = { readonly baseModel: string; readonly json?: boolean };

/** `tunegate dataset …` */
export function addDatasetCommands(
  program: Command,
  terminal: Terminal,
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
    .action(async (path: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<CheckOptions>();
      const document = await checkFile(path, options.baseModel);
      if (options.json === true) terminal.write(`${JSON.stringify(document, null, 2)}\n`);
      else printReport(document, terminal.write);
      exitWith(document.valid ? 0 : 1);
    });
}

/** The driver and the core are loaded here, for no other command needs them. */
async function checkFile(path: string, baseModel: string) {
  readable(path);
  const [{ checkDataset }, { reportDocument }, { makeDatasetTools }] = await Promise.all([
    import('#core/datasets/checkDataset.ts'),
    import('#core/datasets/reportDocument.ts'),
    import('#io/datasets/tools.ts'),
  ]);
  const tools = await makeDatasetTools(process.env['TUNEGATE_TOKENIZERS_DIR'] ?? TOKENIZERS, baseModel).catch(
    (error: unknown) => {
      throw new CliError('usage', error instanceof Error ? error.message : String(error));
    },
  );
  return reportDocument(basename(path), await checkDataset(createReadStream(path), tools));
}

export function readable(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) throw new CliError('usage', `there is no file ${path}`);
  return found.size;
}
