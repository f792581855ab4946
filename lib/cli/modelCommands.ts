import type { Command } from 'commander';
import { reasonOption } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

type Reason = { readonly reason?: string };

const MODEL_COLUMNS: readonly Column[] = [
  { title: 'ALIAS', field: 'id' },
  { title: 'BASE MODEL', field: 'base_model' },
  { title: 'ADAPTER', field: 'adapter_id' },
  { title: 'INFERENCE COMPONENT', field: 'inference_component_name' },
  { title: 'CREATED (UTC)', field: 'created_at', as: 'time' },
];

/** `tunegate models …` */
export function addModelCommands(program: Command, open: OpenSession): void {
  const models = program.command('models').description('the model names that a tenant may call');

  models
    .command('list')
    .description('list models and what answers them')
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, _: object, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const body = await api.call('GET', `${await tenantPath(tenant)}/models`);
      print.list(body, MODEL_COLUMNS, 'No models yet. `tunegate models add <tenant> <alias>` adds one.');
    });

  reasonOption(models.command('add').description('give a tenant a model name'))
    .argument('<tenant>', 'its id or name')
    .argument('<alias>', 'what the client writes as "model"')
    .option('--base-model <id>', 'the base model', 'tunegate-nano')
    .option('--adapter <id>', 'the adapter that answers (default: the bare base model)')
    .option('--component <name>', "SageMaker's inference component (default: derived from the adapter)")
    .action(
      async (
        tenant: string,
        alias: string,
        options: Reason & {
          readonly baseModel: string;
          readonly adapter?: string;
          readonly component?: string;
        },
        command: Command,
      ) => {
        const { api, print, tenantPath } = open(command);
        const body = {
          alias,
          base_model: options.baseModel,
          adapter_id: options.adapter,
          inference_component_name: options.component,
          reason: options.reason,
        };
        print.record(await api.call('POST', `${await tenantPath(tenant)}/models`, { body }), MODEL_COLUMNS);
      },
    );

  reasonOption(models.command('remove').description('take a model name away'))
    .argument('<tenant>', 'its id or name')
    .argument('<alias>', 'the model name')
    .action(async (tenant: string, alias: string, { reason }: Reason, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const path = `${await tenantPath(tenant)}/models/${encodeURIComponent(alias)}`;
      const removed = await api.call('DELETE', path, { query: { reason } });
      print.record(removed, [{ title: 'REMOVED', field: 'id' }]);
    });
}
