/** A crash that is due: at the n-th call to any of the clients, before it is sent or after it was done. */
export type Crash = { readonly atCall: number; readonly side: 'before' | 'after' };

/**
 * Lets a function die at one of its awaits: from the crash on, every call of the clients fails, as nothing more
 * reaches the world from a process that is gone. `run` runs something up to its crash, if one is due.
 */
export function makeCrashPoint() {
  let due: Crash | undefined;
  let calls = 0;
  const gone = (): boolean => due !== undefined && calls > due.atCall;
  const middleware =
    <Args, Answer>(next: (args: Args) => Promise<Answer>) =>
    async (args: Args): Promise<Answer> => {
      if (gone()) throw new Error('the process is gone');
      calls += 1;
      if (gone() && due?.side === 'before') throw new Error('the process died before the call');
      const answer = await next(args);
      if (gone()) throw new Error('the process died after the call');
      return answer;
    };
  return {
    /** Goes into each client's middleware stack, at the step `initialize`. */
    middleware,
    run: async <T>(crash: Crash | undefined, work: () => Promise<T>): Promise<T | undefined> => {
      due = crash;
      calls = 0;
      try {
        return await work();
      } catch (error) {
        if (crash === undefined) throw error;
        return undefined;
      } finally {
        due = undefined;
      }
    },
  };
}
