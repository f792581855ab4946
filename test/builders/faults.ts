import type { Engine, InferencePorts } from '#core/inference/ports.ts';

/** What happens at one await of a call: the process dies, or the operation throws, before or after it took effect. */
export type Fault = {
  readonly at: number;
  readonly kind: 'dies' | 'throws';
  readonly moment: 'before' | 'after';
};

const never = <T>(): Promise<T> => new Promise(() => {});

/**
 * Ports that meet one fault at their n-th operation. After a death no operation does anything any more, nor answers:
 * that is all that the world sees of a process that is gone.
 */
export function faultyPorts(ports: InferencePorts, fault: Fault) {
  let count = 0;
  let dead = false;
  const died = Promise.withResolvers<void>();

  const die = <T>(): Promise<T> => {
    dead = true;
    died.resolve();
    return never();
  };
  const at = async <T>(operation: () => Promise<T>): Promise<T> => {
    if (dead) return never();
    const struck = count++ === fault.at;
    if (!struck) return operation().then((value) => (dead ? never<T>() : value));
    const fail = () => (fault.kind === 'dies' ? die<T>() : Promise.reject(new Error('injected')));
    if (fault.moment === 'before') return fail();
    await operation();
    return fail();
  };

  const engine: Engine = {
    generate: (request) =>
      at(async () => {
        const generated = await ports.engine.generate(request);
        if (!generated.ok) return generated;
        const iterator = generated.value[Symbol.asyncIterator]();
        const value = { [Symbol.asyncIterator]: () => ({ next: () => at(() => iterator.next()) }) };
        return { ok: true as const, value };
      }),
  };
  const { ledger, idempotency, usage, shadows, tokens } = ports;
  const faulty: InferencePorts = {
    ...ports,
    engine,
    authenticate: (header, nowMs) => at(() => ports.authenticate(header, nowMs)),
    tokens: {
      countChat: (base, messages, tools) => at(() => tokens.countChat(base, messages, tools)),
      countText: (base, text) => at(() => tokens.countText(base, text)),
    },
    ledger: {
      placeHold: (hold) => at(() => ledger.placeHold(hold)),
      voidHold: (tenantId, holdId) => at(() => ledger.voidHold(tenantId, holdId)),
      endCall: (tenantId, holdId) => at(() => ledger.endCall(tenantId, holdId)),
    },
    idempotency: {
      claim: (claim) => at(() => idempotency.claim(claim)),
      remember: (claim, completion) => at(() => idempotency.remember(claim, completion)),
      release: (claim) => at(() => idempotency.release(claim)),
    },
    usage: { send: (event) => at(() => usage.send(event)) },
    shadows: { send: (copy) => at(() => shadows.send(copy)) },
  };
  return { ports: faulty, died: died.promise, struck: () => count > fault.at };
}
