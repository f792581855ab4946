import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { JsonObject } from './apiClient.ts';
import { CliError } from './cliError.ts';
import { type Page, pageOptions } from './options.ts';
import { type Column, isObject, type Printer } from './print.ts';
import type { OpenSession } from './session.ts';

const PLAN_COLUMNS: readonly Column[] = [
  { title: 'PLAN', field: 'id' },
  { title: 'A MONTH', field: 'prices.monthly', as: 'money', align: 'right' },
  { title: 'A YEAR', field: 'prices.annual', as: 'money', align: 'right' },
  { title: '% OFF', field: 'annual_discount_percent', align: 'right' },
  { title: 'SETUP', field: 'setup_fee', as: 'money', align: 'right' },
  { title: 'INCLUDED', field: 'included_credits', align: 'right' },
  { title: 'BEYOND, A CREDIT', field: 'overage.price_per_credit', as: 'money', align: 'right' },
  { title: 'UP TO', field: 'overage.limit_credits', align: 'right' },
  { title: 'MODELS', field: 'models', align: 'right' },
];

const PROMISE_COLUMNS: readonly Column[] = [
  { title: 'PLAN', field: 'id' },
  { title: 'UPTIME %', field: 'sla.uptime_percent', align: 'right' },
  { title: 'ISOLATION', field: 'isolation' },
  { title: 'RETRAINING', field: 'retraining' },
  { title: 'SUPPORT', field: 'support.clock' },
  { title: 'MANAGER', field: 'support.account_manager' },
  { title: 'REPORTS', field: 'reports', as: 'list' },
];

const ADD_ON_COLUMNS: readonly Column[] = [
  { title: 'ADD-ON', field: 'id' },
  { title: 'NAME', field: 'name' },
  { title: 'A MONTH', field: 'prices.monthly', as: 'money', align: 'right' },
  { title: 'A YEAR', field: 'prices.annual', as: 'money', align: 'right' },
  { title: 'MODELS', field: 'models', align: 'right' },
];

const LIVE_COLUMNS: readonly Column[] = [
  { title: 'SUBSCRIPTION', field: 'id' },
  { title: 'TENANT', field: 'tenant' },
  { title: 'PLAN', field: 'plan' },
  { title: 'INTERVAL', field: 'interval' },
  { title: 'ADD-ONS', field: 'add_ons', as: 'chosen' },
  { title: 'STATUS', field: 'status' },
  { title: 'PAID UNTIL (UTC)', field: 'paid_until', as: 'time' },
  { title: 'ENDS THEN', field: 'cancel_at_period_end' },
  { title: 'DISPUTED', field: 'is_disputed' },
  { title: 'TO LOOK AT', field: 'review', as: 'list' },
];

const SUBSCRIPTION_FIELDS: readonly Column[] = [
  { title: 'ID', field: 'id' },
  { title: 'STATUS', field: 'status' },
  { title: 'PLAN', field: 'plan' },
  { title: 'INTERVAL', field: 'interval' },
  { title: 'ADD-ONS', field: 'add_ons', as: 'chosen' },
  { title: 'PAID UNTIL (UTC)', field: 'current_period.to', as: 'time' },
  { title: 'OVERDUE, GRACE UNTIL (UTC)', field: 'past_due_until', as: 'time' },
  { title: 'ENDS THEN', field: 'cancel_at_period_end' },
  { title: 'CHANGES THEN TO', field: 'scheduled_change.plan' },
  { title: 'INCLUDED', field: 'usage.included_credits' },
  { title: 'INCLUDED LEFT', field: 'usage.included_left' },
  { title: 'OVERAGE USED', field: 'usage.overage_used' },
  { title: 'OVERAGE LIMIT', field: 'usage.overage_limit' },
  { title: 'NEXT INVOICE', field: 'next_invoice.total', as: 'money' },
];

const INVOICE_COLUMNS: readonly Column[] = [
  { title: 'NEXT INVOICE', field: 'description' },
  { title: 'QUANTITY', field: 'quantity', align: 'right' },
  { title: 'AMOUNT', field: 'amount', as: 'money', align: 'right' },
];

const PREVIEW_FIELDS: readonly Column[] = [
  { title: 'EFFECTIVE', field: 'effective' },
  { title: 'CHARGED NOW', field: 'charge', as: 'money' },
  { title: 'OF THAT, TAX', field: 'tax', as: 'money' },
  { title: 'TO THE BALANCE', field: 'balance', as: 'money' },
  { title: 'EACH TIME FROM THEN', field: 'recurring', as: 'money' },
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
      const plans = await api.call('GET', '/admin/plans');
      print.list(plans, PLAN_COLUMNS, 'No plans.');
      print.part(plans, PROMISE_COLUMNS, 'No plans.');
      print.part({ data: plans['add_ons'] }, ADD_ON_COLUMNS, 'No add-ons.');
    });
  const subscription = program.command('subscription').description("a tenant's subscription");
  addList(subscription, open);
  addShow(subscription, open);
  addCheckout(subscription, open);
  addChange(subscription, open);
  addCancel(subscription, open);
  addLateUsage(program, open);
}

function addList(subscription: Command, open: OpenSession): void {
  pageOptions(
    subscription
      .command('list')
      .description('list those of all tenants that live, or that you should look at'),
  ).action(async ({ limit, cursor }: Page, command: Command) => {
    const { api, print } = open(command);
    const body = await api.call('GET', '/admin/subscriptions', { query: { limit, cursor } });
    print.list(body, LIVE_COLUMNS, 'No subscriptions.');
  });
}

/** A subscription, and the lines of its next invoice. */
function show(print: Printer, body: JsonObject): void {
  print.record(body, SUBSCRIPTION_FIELDS);
  const { lines, total } = isObject(body['next_invoice']) ? body['next_invoice'] : {};
  if (!Array.isArray(lines) || !isObject(total)) return;
  const data = lines.filter(isObject).map((line) => ({
    ...line,
    amount: { minor_units: line['minor_units'], currency: total['currency'] },
  }));
  print.part({ data }, INVOICE_COLUMNS, '');
}

function addShow(subscription: Command, open: OpenSession): void {
  subscription
    .command('show')
    .description('show the plan, its month and the next invoice')
    .argument('<tenant>', 'its id or name')
    .action(async (tenant: string, _: object, command: Command) => {
      const { api, print, tenantPath } = open(command);
      show(print, await api.call('GET', `${await tenantPath(tenant)}/subscription`));
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
        if (options.preview === true) print.record(changed, PREVIEW_FIELDS);
        else show(print, changed);
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
      show(print, await api.call('POST', path, { body: { undo } }));
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
