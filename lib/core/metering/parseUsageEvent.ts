import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import {
  type HoldId,
  type IdKind,
  type KeyId,
  parseId,
  type RequestId,
  type TenantId,
  type UsageEventId,
} from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { OPERATIONS, type UsageEvent } from './types.ts';

/** A message that is not a usage event. `message` names the field and never quotes what it held. */
export type BadUsageEvent = { readonly code: 'invalid_usage_event'; readonly message: string };

/** No call comes near it; together with the highest price it keeps every amount a safe integer. */
const MAX_COUNT = 1_000_000_000;
/** A day in the year 9999: times beyond it have no four-digit date to be archived under. */
const MAX_TIME_MS = 253_402_214_400_000;

const id = <T extends string>(kind: IdKind) =>
  z.pipe(
    z.string(),
    z.transform((text, context): T => {
      const parsed = parseId<T>(kind, text);
      if (parsed !== undefined) return parsed;
      context.issues.push({ code: 'custom', message: 'is not an id of its kind', input: text });
      return z.NEVER;
    }),
  );
const count = z.int().check(z.gte(0), z.lte(MAX_COUNT));
const time = z.int().check(z.gte(0), z.lte(MAX_TIME_MS));

// Unknown fields are dropped, not refused: during a deployment a newer sender meets an older settlement.
const UsageEventMessage = z.object({
  id: id<UsageEventId>('usageEvent'),
  tenantId: id<TenantId>('tenant'),
  keyId: id<KeyId>('key'),
  requestId: id<RequestId>('request'),
  holdId: id<HoldId>('hold'),
  model: z.string().check(z.minLength(1), z.maxLength(256)),
  adapter: z.nullable(z.string()),
  operation: z.enum(OPERATIONS),
  user: z.nullable(z.string()),
  inputTokens: count,
  outputTokens: count,
  choices: count.check(z.gte(1)),
  computeMs: count,
  timeToFirstTokenMs: z.nullable(count),
  status: z.enum(['succeeded', 'client_closed', 'engine_failed']),
  startedAtMs: time,
  endedAtMs: time,
  network: z.exactOptional(z.string().check(z.maxLength(64))),
  version: z.exactOptional(z.string().check(z.maxLength(256))),
  servedBy: z.exactOptional(z.enum(['stable', 'canary'])),
  rollout: z.exactOptional(count),
  priceBook: z.object({
    id: z.string().check(z.minLength(1)),
    version: z.int().check(z.gte(1)),
    armOf: z.exactOptional(z.object({ experiment: z.string(), book: z.string(), version: z.int() })),
  }),
});

/** Reads the body of a message of the usage queue. Errors: invalid_usage_event, which no repetition will cure. */
export function parseUsageEvent(body: string): Result<UsageEvent, BadUsageEvent> {
  const json = readJson(body);
  if (json === undefined) return bad('the message is not JSON');
  const parsed = z.safeParse(UsageEventMessage, json);
  if (parsed.success) return ok(parsed.data);
  const issue = describeIssue(parsed.error);
  return bad(`${issue.path === '' ? 'the message' : issue.path} ${issue.message}`);
}

const bad = (message: string) => err({ code: 'invalid_usage_event' as const, message });

/** JSON never yields undefined, so undefined can stand for "not JSON". */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
