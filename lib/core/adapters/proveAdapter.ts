import { ok, type Result } from '#core/shared/result.ts';
import { asksNeeded, judgeReplies, type NotProven, type ProbeReplies } from './fingerprint.ts';
import type { DeployDesk, ProbeAnswer } from './ports.ts';
import { type Adapter, componentNameOf, type Fingerprint, type Probe } from './types.ts';

/** Asks under way at once: as many as spread over the copies, and few enough to leave room for clients. */
const AT_ONCE = 4;

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
  const asks = asksNeeded(await endpoint.copies(at), probes.length);
  for (let done = 0; done < asks; done += AT_ONCE) {
    const batch = Array.from(
      { length: Math.min(AT_ONCE, asks - done) },
      (_, i) => (done + i) % probes.length,
    );
    await Promise.all(
      batch.map(async (at) => {
        const probe = probes[at];
        if (probe !== undefined) replies[at]?.adapter.push(await ask(id, probe));
      }),
    );
  }
  return replies;
}
