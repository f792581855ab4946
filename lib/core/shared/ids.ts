declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type TenantId = Id<'tenant'>; // ten_…
export type KeyId = Id<'key'>; // key_…   the public id, part of the key's text
export type HoldId = Id<'hold'>; // hold_…
export type GrantId = Id<'grant'>; // gra_…
export type EntryId = Id<'entry'>; // ent_…
export type UsageEventId = Id<'usageEvent'>; // use_…
export type AdapterId = Id<'adapter'>; // adp_…
export type RequestId = Id<'request'>; // req_…
export type FileId = Id<'file'>; // file-…  as OpenAI writes it
export type CheckoutId = Id<'checkout'>; // chk_…
export type AdapterUploadId = Id<'adapterUpload'>; // aup_…
export type TrainingJobId = Id<'trainingJob'>; // ftjob-…  as OpenAI writes it
export type RefillId = Id<'refill'>; // rfl_…

export const ID_PREFIXES = {
  tenant: 'ten_',
  key: 'key_',
  hold: 'hold_',
  grant: 'gra_',
  entry: 'ent_',
  usageEvent: 'use_',
  adapter: 'adp_',
  request: 'req_',
  checkout: 'chk_',
  refill: 'rfl_',
  file: 'file-',
  adapterUpload: 'aup_',
  trainingJob: 'ftjob-',
  auditRecord: 'aud_',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ID_BODY = /^[A-Za-z0-9-]{1,64}$/;

/** Brands a text as an id of this kind, or answers undefined when its prefix or alphabet is wrong. */
export function parseId<T extends string>(kind: IdKind, text: string): T | undefined {
  const prefix = ID_PREFIXES[kind];
  return text.startsWith(prefix) && ID_BODY.test(text.slice(prefix.length)) ? (text as T) : undefined;
}
