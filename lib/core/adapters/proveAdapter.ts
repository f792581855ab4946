import { ok, type Result } from '#core/shared/result.ts';
import { ASKED_ALONE, asksNeeded, judgeReplies, type NotProven, type ProbeReplies } from './fingerprint.ts';
import type { DeployDesk, ProbeAnswer } from './ports.ts';
import { type Adapter, componentNameOf, type Fingerprint, type Probe } from './types.ts';

/**
 * Asks under way at once where there are several copies: as many as copies, because an endpoint gives a call to one with
 * the fewest under way, and few enough to leave room for clients.
 */
const LEAST_AT_ONCE = 4;
const MOST_AT_ONCE = 16;

/** Why an ask did not come to an answer. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly code: 'loading' | 'ask_failed';

  constructor(code: 'loading' | 'ask_failed', message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Asks base and adapter the adapter's probes and judges the answers: the fingerprint, or why it does not hold.
 * `loading`: something is not awake yet; ask again later. Throws what the network throws.
 */
export async function proveAdapter(
  desk: Pick<DeployDesk, 'endpoint' | 'world'>,
  adapter: Adapter,
): Promise<
  Result<Fingerprint, NotProven | { readonly code: 'ask_failed'; readonly message: string }> | 'loading'
> {
  const names = [adapter.id, componentNameOf(adapter.id, adapter.endpoint)];
  try {
    const replies = await askAll(desk, adapter);
    const judged = judgeReplies(replies, adapter.fingerprint, names);
    return judged.ok ? ok({ ...judged.value, provenAtMs: desk.world.clock() }) : judged;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return error.code === 'loading'
      ? 'loading'
      : { ok: false, error: { code: error.code, message: error.message } };
  }
}

async function askAll(
  { endpoint }: Pick<DeployDesk, 'endpoint'>,
  { id, probes, endpoint: at }: Adapter,
): Promise<readonly ProbeReplies[]> {
  const ask = async (adapterId: Adapter['id'] | null, probe: Probe): Promise<ProbeAnswer> => {
    const answer = await endpoint.ask(adapterId, probe, at);
    if (!answer.ok) throw new NoAnswer(answer.error.code, answer.error.message);
    return answer.value;
  };
  const replies: { base: string; adapter: ProbeAnswer[] }[] = [];
  for (const probe of probes) replies.push({ base: (await ask(null, probe)).text, adapter: [] });
  const askProbe = async (number: number): Promise<void> => {
    const probe = probes[number % probes.length];
    if (probe !== undefined) replies[number % probes.length]?.adapter.push(await ask(id, probe));
  };
  const alone = ASKED_ALONE * probes.length;
  for (let number = 0; number < alone; number += 1) await askProbe(number);
  const copies = await endpoint.copies(at);
  const asks = asksNeeded(copies, probes.length);
  const atOnce = Math.min(Math.max(copies, LEAST_AT_ONCE), MOST_AT_ONCE);
  for (let done = alone; done < asks; done += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, asks - done) }, (_, i) => askProbe(done + i));
    await Promise.all(batch);
  }
  return replies;
}
