/** Every custom metric carries one dimension, `service`: the name of the function that counts it. */
export const METRIC_NAMESPACE = 'Tunegate';

/**
 * What functions count and alarms watch, once, as data: each is a sum, absent while nothing happened.
 * A function emits it through Powertools Metrics under its own name as `service`.
 */
export const METRICS = {
  /** Holds whose function died before it settled or voided them. */
  holdsExpired: { name: 'HoldsExpired', service: 'expire-holds' },
  /** Usage events that cannot be read or rated, on their way to the dead-letter queue. */
  poisonEvents: { name: 'PoisonEvents', service: 'settle-usage' },
  /** Calls that cost more than was held and could be taken: each is a loss of the agency. */
  shortfalls: { name: 'Shortfalls', service: 'settle-usage' },
  /** Answered calls whose usage event could be neither queued nor kept: their holds expire and nobody is charged. */
  unsentEvents: { name: 'UnsentEvents', service: 'chat' },
  /** Engines that failed several times in a row, and are not called for a while. */
  enginesResting: { name: 'EnginesResting', service: 'chat' },
  /** Keys that were used in an unusual way, each counted once a day. */
  unusualUse: { name: 'UnusualUse', service: 'watch-usage' },
  /** Hours of a tenant's usage that could not be archived; the next run tries again. */
  archiveFailures: { name: 'ArchiveFailures', service: 'archive-usage' },
  /** Books that could not be sealed, or do not add up with their account; the next run tries again. */
  sealFailures: { name: 'SealFailures', service: 'seal-books' },
  /** Adapters that could not be loaded, did not prove to answer, or were lost by their endpoint. */
  adapterFailures: { name: 'AdapterFailures', service: 'deploy-adapter' },
  /** Adapters that were in service and are not, counted at each look until they are again. */
  adaptersOut: { name: 'AdaptersOut', service: 'watch-adapters' },
  /** Tenants' adapters or endpoints' copies that could not be looked at; the next run tries again. */
  unseenAdapters: { name: 'UnseenAdapters', service: 'watch-adapters' },
  /** Signed webhooks whose payment or refund cannot be matched with a checkout of ours. */
  unmatchedPayments: { name: 'UnmatchedPayments', service: 'apply-payment' },
  /** Payments, refunds and disputes that were found by looking: their webhooks never came. */
  missedPayments: { name: 'MissedPayments', service: 'find-missed-payments' },
  /** Charges of refills that failed: the tenant was told, and the next one waits. */
  refillsFailed: { name: 'RefillsFailed', service: 'refill-credits' },
  /** Refills that took money which fits no offer; they stay stopped until somebody has looked. */
  unmatchedRefills: { name: 'UnmatchedRefills', service: 'refill-credits' },
  /** Refills whose outcome is not known after a day. */
  stuckRefills: { name: 'StuckRefills', service: 'sweep-refills' },
  /** Tenants that could not be suspended or opened again as their payments ask; the next run tries again. */
  dunningFailures: { name: 'DunningFailures', service: 'apply-dunning' },
  /** Differences between two books that nothing explains: gateway, ledger, Dodo, AWS. */
  unknownDifferences: { name: 'UnknownDifferences', service: 'reconcile-books' },
  /** Notices that no attempt could send. */
  failedNotices: { name: 'FailedNotices', service: 'send-notices' },
  /** Subscriptions and licences of Dodo that fit no purchase of ours, or that did what cannot be. */
  unmatchedSubscriptions: { name: 'UnmatchedSubscriptions', service: 'apply-subscription' },
  /** Calls beyond what was prepaid that are not on Dodo's meter: nobody is invoiced for them. */
  lateUsage: { name: 'LateUsage', service: 'report-usage' },
  /** Runs that could not report to Dodo; after an hour usage comes too late. */
  reportFailures: { name: 'ReportFailures', service: 'report-usage' },
  /** Training jobs that failed by our fault, counted under one name whichever function ended them; their clients have their credits back. */
  trainingFailed: { name: 'TrainingFailed', service: 'training' },
  /** Silent training jobs that could not be looked after; the next run tries again. */
  unreconciledJobs: { name: 'UnreconciledJobs', service: 'reconcile-training' },
  /** Tenants whose free credits of the month could not be granted; the next run tries again. */
  freeCreditFailures: { name: 'FreeCreditFailures', service: 'grant-free-credits' },
  /** Webhooks that arrived long after Dodo made them: deliveries fail or are late. */
  lateWebhooks: { name: 'LateWebhooks', service: 'dodo-webhook' },
} as const;
