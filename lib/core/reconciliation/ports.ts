import type { ProviderUnavailable } from '#core/billing/ports.ts';
import type { HoldId, TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type { ArchivedCall, AwsCosts, Reconciliation } from './types.ts';

/** The usage archive, read back. Undefined: there is no such object. */
export type ArchiveReader = {
  readonly callsOf: (tenantId: TenantId, hour: string) => Promise<readonly ArchivedCall[] | undefined>;
};

/** Calls whose hold ran out before their event came: all that the gateway leaves of a message that was lost. */
export type LostCalls = {
  readonly note: (
    calls: readonly { readonly tenantId: TenantId; readonly holdId: HoldId }[],
    atMs: number,
  ) => Promise<void>;
  /** Those noted on a day of UTC. */
  readonly ofDay: (
    day: string,
  ) => Promise<readonly { readonly tenantId: TenantId; readonly holdId: HoldId }[]>;
};

/** What Dodo's meter has, of the events of a stretch of time. */
export type MeteredAtProvider = (range: { readonly fromMs: number; readonly toMs: number }) => Promise<
  Result<
    {
      readonly events: readonly { readonly id: string; readonly amountMicro: number }[];
      readonly isComplete: boolean;
    },
    ProviderUnavailable
  >
>;

/** What training jobs should have cost, by the name of the job at AWS. */
export type JobCosts = {
  readonly ofMonth: (month: string) => Promise<
    readonly {
      readonly name: string;
      readonly tenantId: TenantId;
      readonly microUsd: number;
      readonly billableSeconds: number;
      readonly startedAtMs: number;
    }[]
  >;
};

/** What AWS billed in a month; undefined: nothing is known of it. */
export type AwsCostSource = {
  readonly ofMonth: (
    month: string,
  ) => Promise<
    Result<AwsCosts | undefined, { readonly code: 'aws_costs_unreadable'; readonly detail: string }>
  >;
};

/** SageMaker endpoints that are ours: what an instance costs in millionths of a dollar an hour, and how many may run. */
export type EndpointPrice = {
  readonly name: string;
  readonly microUsdPerHour: number;
  readonly maxInstances: number;
};

/** On which endpoint a call ran; undefined: on none of SageMaker's. */
export type EndpointOfCall = (
  tenantId: TenantId,
  call: { readonly model: string; readonly version: string | null },
) => Promise<string | undefined>;

export type ReconciliationStore = {
  readonly save: (report: Reconciliation) => Promise<void>;
  readonly read: (day: string) => Promise<Reconciliation | undefined>;
  /** Newest day first. */
  readonly list: (page: { readonly limit: number; readonly cursor?: string }) => Promise<{
    readonly reports: readonly Reconciliation[];
    readonly nextCursor: string | null;
  }>;
  readonly saveCosts: (costs: AwsCosts) => Promise<void>;
  readonly readCosts: (month: string) => Promise<AwsCosts | undefined>;
};

/** Asks for a run. Resolves when the request is durable. */
export type ReconciliationQueue = { readonly send: (message: { readonly day: string }) => Promise<void> };
