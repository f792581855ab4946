import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { importAdapter } from './importAdapter.ts';
import { lookAfter } from './lookAfter.ts';
import type { AdapterMessage, DeployDesk } from './ports.ts';

/** Seconds between two looks: short at first, for an adapter may be ready at once, then as SageMaker takes. */
const LONGEST_PAUSE_SECONDS = 15;
/** Looks at one thing: some two hours. Beyond, the message goes to the dead letters and a person looks. */
const MAX_ROUNDS = 500;

const round = z._default(z.int().check(z.nonnegative()), 0);
const tenantId = idSchema<TenantId>('tenant');
const adapterId = idSchema<AdapterId>('adapter');
const Message = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('import'),
    tenantId,
    jobId: idSchema<TrainingJobId>('trainingJob'),
    adapterId: z.optional(adapterId),
    round,
  }),
  z.object({ kind: z.enum(['deploy', 'undeploy']), tenantId, adapterId, round }),
  z.object({ kind: z.literal('watch'), tenantId, adapterId, provenSinceMs: z.int(), round }),
]);

/**
 * Does what a message of the adapters queue asks: one look, and another message where there is something to wait
 * for, so that no function waits. Throws when the message is none of ours, or was looked at too often.
 */
export async function receiveMessage(desk: DeployDesk, body: string): Promise<void> {
  const message = z.parse(Message, JSON.parse(body));
  const next = await step(desk, message);
  if (next === undefined) return;
  const looks = message.round + 1;
  if (looks > MAX_ROUNDS) throw new Error(`looked ${MAX_ROUNDS} times: ${body.slice(0, 200)}`);
  await desk.queue.send(
    { ...next, round: looks },
    Math.min(2 ** Math.min(looks - 1, 10), LONGEST_PAUSE_SECONDS),
  );
}

/** The message to look again with; undefined when nothing is left to do. */
async function step(desk: DeployDesk, message: z.infer<typeof Message>): Promise<AdapterMessage | undefined> {
  if (message.kind === 'import') return importAdapter(desk, message);
  if (message.kind === 'watch') return watch(desk, message);
  const look = await lookAfter(desk, message);
  return look.kind === 'waiting' ? message : undefined;
}

/**
 * One look, because the next run of the watch looks again. What it began to change is followed to its end, and so is
 * what a look began that died before it could say so.
 */
async function watch(
  desk: DeployDesk,
  { tenantId, adapterId, provenSinceMs }: Extract<z.infer<typeof Message>, { readonly kind: 'watch' }>,
): Promise<AdapterMessage | undefined> {
  const before = await desk.adapters.read(tenantId, adapterId);
  const look = await lookAfter(desk, { tenantId, adapterId }, { provenSinceMs });
  if (look.kind !== 'waiting') return undefined;
  const after = await desk.adapters.read(tenantId, adapterId);
  const isUnderWay = after?.version !== before?.version || after?.status === 'deploying';
  return isUnderWay ? { kind: 'deploy', tenantId, adapterId } : undefined;
}
