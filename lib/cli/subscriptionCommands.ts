import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { CliError } from './cliError.ts';
import { type Page, pageOptions } from './options.ts';
import type { Column } from './print.ts';
import type { OpenSession } from './session.ts';

const PLAN_COLUMNS: readonly Column[] = [
  { title: 'PLAN', field: 'id' },
  { title: 'MONTHLY (MINOR UNITS)', field: 'prices.monthly.minor_units', align: 'right' },
  { title: 'ANNUAL', field: 'prices.annual.minor_units', align: 'right' },
  { title: 'SETUP', field: 'setup_fee.minor_units', align: 'right' },
  { title: 'INCLUDED', field: 'included_credits', align: 'right' },
  { title: 'OVERAGE LIMIT', field: 'overage.limit_credits', align: 'right' },
  { title: 'MODELS', field: 'models', align: 'right' },
  { title: 'UPTIME %', field: 'sla.uptime_percent', align: 'right' },
  { title: 'ISOLATION', field: 'isolation' },
  { title: 'RETRAINING', field: 'retraining' },
  { title: 'SUPPORT', field: 'support.clock' },
  { title: 'REPORTS', field: 'reports', as: 'list' },
];

const SUBSCRIPTION_FIELDS: readonly Column[] = [
  { title: 'ID', field: 'id' },
  { title: 'STATUS', field: 'status' },
  { title: 'PLAN', field: 'plan' },
  { title: 'INTERVAL', field: 'interval' },
  { title: 'PAID UNTIL (UTC)', field: 'current_period.to', as: 'time' },
  { title: 'ENDS THEN', field: 'cancel_at_period_end' },
  { title: 'CHANGES THEN TO', field: 'scheduled_change.plan' },
  { title: 'INCLUDED LEFT', field: 'usage.included_left' },
  { title: 'OVERAGE USED', field: 'usage.overage_used' },
  { title: 'OVERAGE LIMIT', field: 'usage.overage_limit' },
  { title: 'NEXT INVOICE (MINOR UNITS)', field: 'next_invoice.total.minor_units' },
];

const PREVIEW_FIELDS: readonly Column[] = [
  { title: 'EFFECTIVE', field: 'effective' },
  { title: 'CHARGED NOW (MINOR UNITS)', field: 'charge.minor_units' },
  { title: 'CURRENCY', field: 'charge.currency' },
  { title: 'TO THE BALANCE', field: 'balance.minor_units' },
  { title: 'EACH TIME FROM THEN', field: 'recurring.minor_units' },
  { title: 'NEXT PAYMENT (UTC)', field: 'next_billing_at', as: 'time' },
];

const LATE_COLUMNS: readonly Column[] = [
  { title: 'USED (UTC)', field: 'used_at', as: 'time' },
  { title: 'USE', field: 'id' },
  { title: 'TENANT', field: 'tenant' },
  { title: 'CREDITS', field: 'credits', align: 'right' },
  { title: 'CAUSE', field: 'cause' },
  { title: 'STATUS', field: 'status' },
  { title: 'REASON', field: 'reason' },
];

type Chosen = {
  readonly annual?: true;
  readonly monthly?: true;
  readonly addOn?: readonly string[];
};

/** `tunegate plans`, `tunegate subscription …`, `tunegate late-usage …` */
export function addSubscriptionCommands(program: Command, open: OpenSession): void {
  program
    .command('plans')
    .description('list the plans on sale and what each promises')
    .action(async (_: object, command: Command) => {
      const { api, print } = open(command);
      print.list(await api.call('GET', '/admin/plans'), PLAN_COLUMNS, 'No plans.');
    });
  const subscription = program.command('subscription').description("a tenant's subscription");
  addShow(subscription, open);
  addCheckout(subscription, open);
  addChange(subscription, open);
  addCancel(subscription, open);
  addLateUsage(program, open);
}

function addShow(subscription: Command, open: OpenSession): void {
  subscription
    .command('show')
    .description('show the plan, its month and the next invoice')
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, _: object, command: Command) => {
      const { api, print, tenantPath } = open(command);
      print.record(await api.call('GET', `${await tenantPath(tenant)}/subscription`), SUBSCRIPTION_FIELDS);
    });
}

function addCheckout(subscription: Command, open: OpenSession): void {
  withPlan(subscription.command('checkout').description('open a checkout that the client pays'))
    .option('--no-setup-fee', 'waive the setup fee')
    .option('--email <address>', 'where receipts go, used at the first checkout')
    .option('--idempotency-key <key>', 'makes a repeat answer the same checkout')
    .action(
      async (
        tenant: string,
        plan: string,
        options: Chosen & {
          readonly setupFee: boolean;
          readonly email?: string;
          readonly idempotencyKey?: string;
        },
        command: Command,
      ) => {
        const { api, print, tenantPath } = open(command);
        const checkout = await api.call('POST', `${await tenantPath(tenant)}/subscription/checkout`, {
          body: { ...chosen(plan, options), setup_fee: options.setupFee, email: options.email },
          headers: { 'idempotency-key': options.idempotencyKey ?? randomUUID() },
        });
        print.record(checkout, [
          { title: 'PAY AT', field: 'checkout_url' },
          { title: 'PLAN', field: 'plan' },
          { title: 'INTERVAL', field: 'interval' },
          { title: 'SETUP FEE', field: 'setup_fee' },
        ]);
      },
    );
}

function addChange(subscription: Command, open: OpenSession): void {
  withPlan(subscription.command('change').description('change plan, interval or add-ons'))
    .option('--preview', 'only show what it would charge')
    .option(
      '--effective <when>',
      'now or next_period (default: what is dearer now, what is cheaper next_period)',
    )
    .action(
      async (
        tenant: string,
        plan: string,
        options: Chosen & { readonly preview?: true; readonly effective?: string },
        command: Command,
      ) => {
        const { api, print, tenantPath } = open(command);
        const body = { ...chosen(plan, options), preview: options.preview, effective: options.effective };
        const changed = await api.call('POST', `${await tenantPath(tenant)}/subscription/change`, { body });
        print.record(changed, options.preview === true ? PREVIEW_FIELDS : SUBSCRIPTION_FIELDS);
      },
    );
}

function addCancel(subscription: Command, open: OpenSession): void {
  subscription
    .command('cancel')
    .description('let it end with the period that is paid')
    .argument('<tenant>', 'its id or name')
    .option('--undo', 'let it go on after all')
    .action(async (tenant: string, { undo }: { readonly undo?: true }, command: Command) => {
      const { api, print, tenantPath } = open(command);
      const path = `${await tenantPath(tenant)}/subscription/cancel`;
      print.record(await api.call('POST', path, { body: { undo } }), SUBSCRIPTION_FIELDS);
    });
}

function addLateUsage(program: Command, open: OpenSession): void {
  const late = program.command('late-usage').description("usage that the payment provider's meter lacks");
  pageOptions(late.command('list', { isDefault: true }).description('list it, newest first')).action(
    async ({ limit, cursor }: Page, command: Command) => {
      const { api, print } = open(command);
      const body = await api.call('GET', '/admin/late-usage', { query: { limit, cursor } });
      print.list(body, LATE_COLUMNS, 'No usage came too late.');
    },
  );
  late
    .command('settle')
    .description('say what became of one')
    .argument('<use>', 'its id')
    .argument('<status>', 'billed, waived or open')
    .requiredOption('--reason <text>', 'how, for the list and the audit log')
    .action(
      async (use: string, status: string, { reason }: { readonly reason: string }, command: Command) => {
        const { api, print } = open(command);
        const path = `/admin/late-usage/${encodeURIComponent(use)}`;
        print.record(await api.call('POST', path, { body: { status, reason } }), LATE_COLUMNS);
      },
    );
}

const withPlan = (command: Command): Command =>
  command
    .argument('<tenant>', 'its id or name')
    .argument('<plan>', 'the id of a plan')
    .option('--annual', 'paid by the year')
    .option('--monthly', 'paid by the month')
    .option('--add-on <id=quantity...>', 'such as model=2');

/** The plan with what was chosen beside it. What is left out stays as it is. */
function chosen(plan: string, { annual, monthly, addOn }: Chosen) {
  if (annual === true && monthly === true) {
    throw new CliError(
      'usage',
      'a plan is paid by the month or by the year',
      'Give one of --monthly and --annual.',
    );
  }
  return {
    plan,
    ...(annual === true ? { interval: 'annual' } : monthly === true ? { interval: 'monthly' } : {}),
    ...(addOn === undefined ? {} : { add_ons: addOn.map(readAddOn) }),
  };
}

function readAddOn(text: string): { readonly id: string; readonly quantity: number } {
  const match = /^([a-z0-9-]+)=(\d{1,2})$/.exec(text);
  if (match?.[1] === undefined)
    throw new CliError('usage', `not an add-on: ${text}`, 'Give one such as model=2.');
  return { id: match[1], quantity: Number(match[2]) };
}
