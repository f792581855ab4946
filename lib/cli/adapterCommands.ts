import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import * as z from 'zod/mini';
import { isCheckpointName } from '#core/shared/checkpointName.ts';
import type { JsonObject } from './apiClient.ts';
import { CliError } from './cliError.ts';
import { type Page, pageOptions, reasonOption } from './options.ts';
import { rowsBehind } from './pages.ts';
import type { Column } from './print.ts';
import { readJsonFile } from './readJsonFile.ts';
import type { OpenSession, Session } from './session.ts';

type Reason = { readonly reason?: string };

const LIST_COLUMNS: readonly Column[] = [
  { title: 'ADAPTER', field: 'id' },
  { title: 'STATUS', field: 'status' },
  { title: 'ENDPOINT', field: 'endpoint' },
  { title: 'BASE MODEL', field: 'base_model' },
  { title: 'RANK', field: 'rank', align: 'right' },
  { title: 'JOB', field: 'lineage.fine_tuning_job' },
  { title: 'CHECKPOINT', field: 'model_names', as: 'list' },
  { title: 'CREATED (UTC)', field: 'created_at', as: 'time' },
  { title: 'OUT SINCE (UTC)', field: 'outage.since', as: 'time' },
  { title: 'DETAILS', field: 'status_details' },
];
const SHOWN: readonly Column[] = [
  ...LIST_COLUMNS,
  { title: 'OUT BECAUSE', field: 'outage.why' },
  { title: 'TIMES LOADED ANEW', field: 'outage.tries' },
  { title: 'NEXT TRY (UTC)', field: 'outage.next_try_at', as: 'time' },
  { title: 'BASE SHA-256', field: 'base_sha256' },
  { title: 'WEIGHTS SHA-256', field: 'sha256.weights' },
  { title: 'BYTES', field: 'bytes' },
  { title: 'INFERENCE COMPONENT', field: 'inference_component_name' },
  { title: 'SOURCE', field: 'lineage.source' },
  { title: 'DATASET SHA-256', field: 'lineage.dataset.sha256' },
  { title: 'EXAMPLES', field: 'lineage.dataset.examples' },
  { title: 'HYPER-PARAMETERS', field: 'lineage.hyper_parameters' },
  { title: 'METRICS', field: 'lineage.metrics' },
  { title: 'PROVEN (UTC)', field: 'fingerprint.proven_at', as: 'time' },
  { title: 'ANSWERS COMPARED', field: 'fingerprint.answers_compared' },
];

const ADAPTER = 'its id, or a checkpoint’s model name';
const POLL_MS = 500;
/** SageMaker takes minutes. */
const MAX_POLLS = 5_000;

/** `tunegate adapters …` */
export function addAdapterCommands(program: Command, open: OpenSession): void {
  const adapters = program.command('adapters').description('the trained adapters of a tenant');

  pageOptions(adapters.command('list').description('list adapters, newest first'))
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, { limit, cursor }: Page, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const body = await api.call('GET', `${await tenantPath(tenant)}/adapters`, {
        query: { limit, cursor },
      });
      print.list(
        body,
        LIST_COLUMNS,
        'No adapters yet. A training job makes one, `tunegate adapters register` takes one.',
      );
    });

  adapters
    .command('show')
    .description('show an adapter with its lineage and its fingerprint')
    .argument('<tenant>', 'its id or name')
    .argument('<adapter>', ADAPTER)
    .action(async (tenant: string, adapter: string, _: object, command: Command) => {
      const session = open(command);
      session.print.record(await session.api.call('GET', await pathOf(session, tenant, adapter)), SHOWN);
    });

  addRegister(adapters, open);
  addDeploy(adapters, open);
  for (const [verb, description] of Object.entries(DIRECTIONS)) {
    reasonOption(adapters.command(verb).description(description))
      .argument('<tenant>', 'its id or name')
      .argument('<adapter>', ADAPTER)
      .action(async (tenant: string, adapter: string, { reason }: Reason, command: Command) => {
        const session = open(command);
        const path = await pathOf(session, tenant, adapter);
        session.print.record(
          await session.api.call('POST', `${path}/${verb}`, { body: { reason } }),
          LIST_COLUMNS,
        );
      });
  }
  addExport(adapters, open);
}

const DIRECTIONS = {
  undeploy: 'take an adapter off the endpoint; refused while a model name leads to it',
  retire: 'end an adapter; its record and its export stay',
} as const;

/** An adapter's path. One that is named by a model name of its own, as a checkpoint is, is looked for. */
async function pathOf({ api, tenantPath }: Session, tenant: string, adapter: string): Promise<string> {
  const path = `${await tenantPath(tenant)}/adapters`;
  if (!isCheckpointName(adapter)) return `${path}/${encodeURIComponent(adapter)}`;
  for await (const row of rowsBehind(api, path)) {
    const { id, model_names } = z.parse(Named, row);
    if (model_names.includes(adapter)) return `${path}/${encodeURIComponent(id)}`;
  }
  throw new CliError('refused', `${tenant} has no checkpoint ${adapter}`);
}
const Named = z.object({ id: z.string(), model_names: z.array(z.string()) });

type RegisterOptions = Reason & { readonly baseModel?: string; readonly probes?: string };
const Upload = z.object({ id: z.string(), url: z.string(), fields: z.record(z.string(), z.string()) });

function addRegister(adapters: Command, open: OpenSession): void {
  reasonOption(adapters.command('register').description('scan an archive of PEFT files and register it'))
    .argument('<tenant>', 'its id or name')
    .argument('<archive>', 'a .tar.gz with adapter_config.json and adapter_model.safetensors at its root')
    .option('--base-model <id>', 'the base it was trained on')
    .option(
      '--probes <file>',
      '{"probes": [{"messages": […]}]} as JSON, which it answers otherwise than its base',
    )
    .action(async (tenant: string, archive: string, options: RegisterOptions, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const probes = options.probes === undefined ? undefined : readJsonFile(options.probes)['probes'];
      const bytes = await readFile(archive).catch(() => {
        throw new CliError('usage', `${archive} cannot be read`);
      });
      const path = `${await tenantPath(tenant)}/adapters`;
      const upload = z.parse(
        Upload,
        await api.call('POST', `${path}/uploads`, { body: { bytes: bytes.length } }),
      );
      const form = new FormData();
      for (const [name, value] of Object.entries(upload.fields)) form.set(name, value);
      form.set('file', new Blob([bytes]), 'adapter.tar.gz');
      const posted = await fetch(upload.url, { method: 'POST', body: form });
      if (!posted.ok)
        throw new CliError('refused', `the storage refused the archive with status ${posted.status}`);
      const body = { upload: upload.id, base_model: options.baseModel, probes, reason: options.reason };
      print.record(await api.call('POST', path, { body }), LIST_COLUMNS);
    });
}

function addDeploy(adapters: Command, open: OpenSession): void {
  reasonOption(
    adapters
      .command('deploy')
      .description(
        'load an adapter where its tenant’s are, and prove that it answers; one that is in use moves there',
      ),
  )
    .argument('<tenant>', 'its id or name')
    .argument('<adapter>', ADAPTER)
    .option('--no-wait', 'return at once')
    .action(
      async (
        tenant: string,
        adapter: string,
        { reason, wait }: Reason & { readonly wait: boolean },
        command: Command,
      ) => {
        const session = open(command);
        const path = await pathOf(session, tenant, adapter);
        const begun = await session.api.call('POST', `${path}/deploy`, { body: { reason } });
        const ended = wait ? await settled(session, path, begun) : begun;
        session.print.record(ended, LIST_COLUMNS);
        if (ended['status'] === 'failed')
          throw new CliError('refused', `${adapter} is not deployed: ${String(ended['status_details'])}`);
      },
    );
}

async function settled({ api }: Session, path: string, begun: JsonObject): Promise<JsonObject> {
  let adapter = begun;
  for (let poll = 0; isUnderWay(adapter); poll += 1) {
    if (poll === MAX_POLLS) throw new CliError('unreachable', 'it is still deploying');
    await sleep(POLL_MS);
    adapter = await api.call('GET', path);
  }
  return adapter;
}

const Moving = z.object({ move: z.object({ state: z.literal('coming') }) });
const isUnderWay = (adapter: JsonObject): boolean =>
  adapter['status'] === 'deploying' || z.safeParse(Moving, adapter).success;

const Export = z.object({ url: z.string(), bytes: z.int(), sha256: z.string() });

function addExport(adapters: Command, open: OpenSession): void {
  adapters
    .command('export')
    .description('write an adapter as PEFT and GGUF, with dataset, lineage and checksums, to a .tar.gz')
    .argument('<tenant>', 'its id or name')
    .argument('<adapter>', ADAPTER)
    .option('--output <file>', 'where to write it (default: <adapter>.tar.gz)')
    .action(
      async (tenant: string, adapter: string, options: { readonly output?: string }, command: Command) => {
        const session = open(command);
        const path = await pathOf(session, tenant, adapter);
        const exported = z.parse(Export, await session.api.call('POST', `${path}/export`));
        const output = options.output ?? `${adapter}.tar.gz`;
        await download(exported, output);
        session.print.record({ file: output, bytes: exported.bytes, sha256: exported.sha256 }, [
          { title: 'WRITTEN', field: 'file' },
          { title: 'BYTES', field: 'bytes' },
          { title: 'SHA-256', field: 'sha256' },
        ]);
      },
    );
}

/** Writes beside and renames when every byte agrees with its checksum. */
async function download({ url, sha256 }: z.infer<typeof Export>, output: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok || response.body === null)
    throw new CliError('refused', `the storage answered with status ${response.status}`);
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform: (chunk: Buffer, _, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const partial = `${output}.partial`;
  try {
    await pipeline(Readable.fromWeb(response.body), hashed, createWriteStream(partial, { mode: 0o600 }));
    if (hash.digest('hex') !== sha256)
      throw new CliError('refused', 'what came is not what was packed', 'Run it again.');
    await rename(partial, output);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
