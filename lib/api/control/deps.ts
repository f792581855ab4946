import type { AdapterStore } from '#core/adapters/ports.ts';
import type { BillingStore, PaymentProvider } from '#core/billing/ports.ts';
import type { PackCatalogue } from '#core/billing/types.ts';
import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import type { NoticeOutbox } from '#core/notices/ports.ts';
import type { KeptBook, PriceBookSource, PriceBookStore } from '#core/pricing/ports.ts';
import type { ArmBook } from '#core/pricing/recordArms.ts';
import type { JobCosts, ReconciliationQueue, ReconciliationStore } from '#core/reconciliation/ports.ts';
import type { MandateProvider, RefillStore } from '#core/refill/ports.ts';
import type { RolloutStore, VersionBook } from '#core/routing/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { World } from '#core/shared/world.ts';
import type { FileLinesDeps } from '#core/statements/fileLines.ts';
import type { SealSigner, StatementBook } from '#core/statements/ports.ts';
import type { ReadStatementDeps } from '#core/statements/readStatement.ts';
import type { Statement } from '#core/statements/types.ts';
import type { LateUsageList } from '#core/subscriptions/overagePorts.ts';
import type { PlanCatalogue } from '#core/subscriptions/plan.ts';
import type { SubscriptionProvider, SubscriptionStore } from '#core/subscriptions/ports.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { Tenancy } from '#core/tenants/tenancy.ts';

/** What the routes of clients work with, and those that are everybody's. Put together in `#io/wire/account.ts`. */
export type AccountDeps = {
  readonly world: World;
  readonly directory: Pick<Directory, 'readTenant' | 'updateTenant' | 'listModels'>;
  /** A changed subscription brings, takes back or freezes credits at once. */
  readonly ledger: Pick<
    Ledger & UsageBook,
    'readAccount' | 'readGrant' | 'listEntries' | 'listRollups' | 'grant' | 'clawBack' | 'freeze' | 'release'
  >;
  readonly credits: CreditSales;
  readonly statements: StatementDeps;
  readonly subscriptions: SubscriptionSales;
};

/** Everything that the agency's routes work with. Put together in `#io/wire/control.ts`. */
export type ControlDeps = Tenancy &
  Omit<AccountDeps, 'directory' | 'ledger'> & {
    readonly ledger: Ledger & Pick<UsageBook, 'listRollups'>;
    readonly signer: SealSigner;
    readonly late: LateUsageList;
    readonly priceBooks: PriceBookDeps;
    readonly notices: NoticeDeps;
    readonly jobCosts: JobCosts;
    readonly reconciliation: {
      readonly store: ReconciliationStore;
      readonly queue: ReconciliationQueue;
      readonly endpointNames: readonly [string, ...string[]];
    };
    readonly rollouts: RolloutStore;
    readonly adapters: Pick<AdapterStore, 'read'>;
    readonly versions: Pick<VersionBook, 'read'>;
    /** Whether an engine may be a server on this very machine. */
    readonly engines: { readonly allowLoopback: boolean };
  };

/** The agency's price books. `seeds` came with the deployment; a new tenant gets the first of them. */
export type PriceBookDeps = {
  readonly store: PriceBookStore;
  readonly source: PriceBookSource;
  readonly seeds: readonly KeptBook[];
  readonly arms: Pick<ArmBook, 'list'>;
};

/** What statements work with; a PDF comes as text, for it has no other bytes. */
export type StatementDeps = ReadStatementDeps &
  FileLinesDeps & {
    readonly book: StatementBook;
    readonly pdf: (statement: Statement) => string;
  };

/** What notices work with; `webhookKey` signs those of a tenant. */
export type NoticeDeps = {
  readonly outbox: Pick<NoticeOutbox, 'list'>;
  readonly webhookKey: (tenantId: TenantId) => Promise<string>;
};

/** What selling plans works with. */
export type SubscriptionSales = {
  readonly catalogue: PlanCatalogue;
  readonly store: SubscriptionStore;
  readonly provider: SubscriptionProvider & Pick<PaymentProvider, 'createCustomer'>;
};

/** What selling credits works with. */
export type CreditSales = {
  readonly catalogue: PackCatalogue;
  readonly store: BillingStore;
  readonly provider: PaymentProvider;
  readonly refills: RefillStore;
  readonly mandates: MandateProvider;
  /** Where a person buys credits: the same link as in a 402. */
  readonly topUpUrl: string;
  /** Dodo failed or refused; `detail` is for the log alone. */
  readonly onProviderFailure: (code: string, detail: string) => void;
};
