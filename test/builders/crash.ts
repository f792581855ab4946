/** Where a crash happens: in front of the n-th call of any port, or after it, when its effect stands and its answer is lost. */
export type CrashPoint = { readonly call: number; readonly when: 'before' | 'after' };

export class Crash extends Error {}

/**
 * The ports with a crash in them. Every method of every port counts; `calls()` says how many there were, so that
 * a test can try each of them.
 */
export function withCrash<T extends object>(ports: T, point: CrashPoint | undefined) {
  let count = 0;
  const guard = async (run: () => unknown): Promise<unknown> => {
    count += 1;
    const isHere = point?.call === count;
    if (isHere && point.when === 'before') throw new Crash(`before call ${count}`);
    const result = await run();
    if (isHere) throw new Crash(`after call ${count}`);
    return result;
  };
  const wrap = <O extends object>(target: O): O =>
    new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name);
        if (typeof value === 'function' && name !== 'clock' && name !== 'sha256Hex') {
          return (...args: unknown[]) => guard(() => Reflect.apply(value, object, args));
        }
        return typeof value === 'object' && value !== null ? wrap(value) : value;
      },
    });
  return { ports: wrap(ports), calls: () => count };
}
