import { statSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { type ApiClient, type JsonObject, makeApiClient } from './apiClient.ts';
import { CliError } from './cliError.ts';
import { findClientConnection } from './clientConnection.ts';
import type { ConnectionOptions } from './connection.ts';
import { followJob, type Screen } from './followJob.ts';
import { type Column, makePrinter } from './print.ts';
import { pushFile } from './pushFile.ts';
import type { Terminal } from './session.ts';

export type TrainTerminal = Terminal & {
  readonly writeError: (text: string) => void;
  /** How wide the terminal is now that errors go to; undefined: it is none. */
  readonly columns?: () => number | undefined;
};

type Common = ConnectionOptions & { readonly apiKey?: string; readonly json?: boolean };
type TrainOptions = Common & {
  readonly model: string;
  readonly validation?: string;
  readonly suffix?: string;
  readonly seed?: number;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly rate?: number;
  readonly rank?: number;
  readonly deduplicate?: string;
  readonly redactPii?: boolean;
  readonly follow: boolean;
  readonly quote?: boolean;
};

const JOB_COLUMNS: readonly Column[] = [
  { title: 'job', field: 'id' },
  { title: 'status', field: 'status' },
  { title: 'created', field: 'created_at', as: 'time' },
  { title: 'model', field: 'fine_tuned_model' },
  { title: 'charged', field: 'tunegate.charged_credits', align: 'right' },
];

const QUOTE_FIELDS: readonly Column[] = [
  { title: 'tokens of one epoch', field: 'tokens_per_epoch' },
  { title: 'epochs', field: 'hyperparameters.n_epochs' },
  { title: 'credits a million', field: 'credits_per_million_tokens' },
  { title: 'credits at most', field: 'credits' },
  { title: 'training file', field: 'training_file' },
];

const JOB_FIELDS: readonly Column[] = [
  { title: 'job', field: 'id' },
  { title: 'status', field: 'status' },
  { title: 'model', field: 'fine_tuned_model' },
  { title: 'error', field: 'error.message' },
  { title: 'trained tokens', field: 'trained_tokens' },
  { title: 'quoted', field: 'tunegate.quote.credits' },
  { title: 'charged', field: 'tunegate.charged_credits' },
  { title: 'held-out exact match', field: 'tunegate.metrics.valid_exact_match' },
];

/** `tunegate train …`: as a tenant, for a job is the client's. */
export function addTrainCommands(
  program: Command,
  terminal: TrainTerminal,
  exitWith: (code: number) => void,
): void {
  const screen: Screen = { write: terminal.writeError, columns: terminal.columns ?? (() => undefined) };
  const open = (command: Command) => {
    const options = command.optsWithGlobals<Common>();
    const connection = findClientConnection(options, terminal.env);
    return {
      connection,
      api: makeApiClient(
        { baseUrl: connection.baseUrl, adminKey: connection.apiKey },
        "the tenant's API key",
      ),
      print: makePrinter(terminal.write, options.json === true),
    };
  };
  const finish = async (command: Command, api: ApiClient, id: string): Promise<void> => {
    if (screen.columns() !== undefined)
      screen.write(`Ctrl-C leaves it running; \`tunegate train follow ${id}\` shows it again.\n`);
    const job = await followJob(api, id, screen);
    open(command).print.record(job, JOB_FIELDS);
    exitWith(job['status'] === 'succeeded' ? 0 : 1);
  };

  const train = program
    .command('train')
    .description('train an adapter on a file and follow the training; Ctrl-C leaves it running')
    .argument('<file>', 'JSON lines in chat format, or {"prompt", "completion"}')
    .option('--model <id>', 'the base model', 'tunegate-nano')
    .option('--validation <file>', 'examples to watch the training with; else some are held apart')
    .option('--suffix <text>', "part of the new model's name")
    .option('--epochs <n>', 'passes over the data', whole)
    .option('--batch-size <n>', 'examples of one step', whole)
    .option('--rate <x>', "times the base model's learning rate", decimal)
    .option('--rank <n>', 'of the adapter: 8, 16 or 32', whole)
    .option('--seed <n>', 'the same data, settings and seed make the same adapter', whole)
    .option('--deduplicate <how>', 'remove exact or near duplicates first')
    .option('--redact-pii', 'put [EMAIL], [PHONE] … where personal data stands')
    .option('--quote', 'only upload, and print what the training would cost at most')
    .option('--no-follow', 'print the job and leave')
    .option('--api-key <key>', "the tenant's API key; better given as TUNEGATE_API_KEY")
    .action(async (path: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<TrainOptions>();
      const { api, connection, print } = open(command);
      const push = (file: string) => pushed({ ...connection, path: file, say: terminal.writeError });
      const body = jobBody(options, {
        training_file: await push(path),
        ...(options.validation === undefined ? {} : { validation_file: await push(options.validation) }),
      });
      if (options.quote === true)
        return print.record(await api.call('POST', '/fine_tuning/quotes', { body }), QUOTE_FIELDS);
      const job = await api.call('POST', '/fine_tuning/jobs', { body });
      if (options.follow) return finish(command, api, String(job['id']));
      print.record(job, JOB_FIELDS);
    });

  train
    .command('follow')
    .description('follow a training that runs')
    .argument('<job>')
    .option('--api-key <key>', "the tenant's API key; better given as TUNEGATE_API_KEY")
    .action((id: string, _: object, command: Command) => finish(command, open(command).api, id));

  train
    .command('list')
    .description('list training jobs, newest first')
    .option('--api-key <key>', "the tenant's API key; better given as TUNEGATE_API_KEY")
    .action(async (_: object, command: Command) => {
      const { api, print } = open(command);
      const body = await api.call('GET', '/fine_tuning/jobs', { query: { limit: '100' } });
      print.list({ ...body, has_more: false }, JOB_COLUMNS, 'No training jobs yet.');
    });

  train
    .command('cancel')
    .description('cancel a training; what was trained until then is charged')
    .argument('<job>')
    .option('--api-key <key>', "the tenant's API key; better given as TUNEGATE_API_KEY")
    .action(async (id: string, _: object, command: Command) => {
      const { api, print } = open(command);
      print.record(await api.call('POST', `/fine_tuning/jobs/${encodeURIComponent(id)}/cancel`), JOB_FIELDS);
    });
}

function jobBody(options: TrainOptions, files: JsonObject): JsonObject {
  const { model, suffix, seed, epochs, batchSize, rate, rank, deduplicate, redactPii } = options;
  return {
    model,
    ...files,
    suffix,
    seed,
    hyperparameters: {
      n_epochs: epochs,
      batch_size: batchSize,
      learning_rate_multiplier: rate,
      lora_rank: rank,
    },
    dataset: { deduplicate, redact_pii: redactPii },
  };
}

/** Uploads a file and answers its id. A file with mistakes is a CliError that says which. */
async function pushed({
  say,
  ...push
}: {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly path: string;
  readonly say: (text: string) => void;
}): Promise<string> {
  const found = statSync(push.path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) throw new CliError('usage', `there is no file ${push.path}`);
  const progress = (text: string) => say(`${text}\n`);
  const file = await pushFile({ ...push, bytes: found.size, purpose: 'fine-tune', progress });
  if (file.status === 'processed') return file.id;
  throw new CliError(
    'refused',
    `${push.path} has mistakes: ${file.status_details ?? ''}`,
    '`tunegate dataset check` lists them all.',
  );
}

function whole(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function decimal(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
