/**
 * Several pieces of work at once, in a given order: each call of a port waits for its work's turn, and is over before
 * the next one begins. `order` names by number whose call comes next; what is left over runs on as it comes.
 */
export async function interleave<T>(
  order: readonly number[],
  works: readonly ((along: <P extends object>(ports: P) => P) => Promise<T>)[],
): Promise<readonly T[]> {
  const waiting: (() => void)[][] = works.map(() => []);
  const ended = works.map(() => false);
  const left = [...order];
  let isBusy = true; // until every work has come to its first call
  let begun = 0;

  /** Lets the next one go: the first in the order that has not ended, once it waits. */
  const next = (): void => {
    if (isBusy) return;
    while (left.length > 0 && ended[left[0] ?? 0] === true) left.shift();
    const turn = left[0] ?? waiting.findIndex((calls) => calls.length > 0);
    const go = waiting[turn]?.shift();
    if (go === undefined) return;
    left.shift();
    isBusy = true;
    go();
  };
  const turnOf = async <R>(work: number, call: () => R | Promise<R>): Promise<R> => {
    const turn = new Promise<void>((resolve) => waiting[work]?.push(resolve));
    next();
    await turn;
    try {
      return await call();
    } finally {
      isBusy = false;
      // What was answered is used before another's turn comes.
      setImmediate(next);
    }
  };
  const along =
    (work: number) =>
    <P extends object>(ports: P): P =>
      new Proxy(ports, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value === 'function') {
            return (...args: unknown[]) => turnOf(work, () => Reflect.apply(value, target, args));
          }
          return typeof value === 'object' && value !== null ? along(work)(value) : value;
        },
      });
  const running = works.map(async (work, index) => {
    const done = work(along(index));
    begun += 1;
    if (begun === works.length) {
      isBusy = false;
      setImmediate(next);
    }
    try {
      return await done;
    } finally {
      ended[index] = true;
      setImmediate(next);
    }
  });
  return Promise.all(running);
}

/** Every order of `a` calls of the first work and `b` of the second. */
export function ordersOf(a: number, b: number): readonly (readonly number[])[] {
  if (a === 0 || b === 0) return [[...Array<number>(a).fill(0), ...Array<number>(b).fill(1)]];
  return [
    ...ordersOf(a - 1, b).map((rest) => [0, ...rest]),
    ...ordersOf(a, b - 1).map((rest) => [1, ...rest]),
  ];
}
