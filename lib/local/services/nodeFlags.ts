/**
 * How our own programs are run, because five processes share one machine: a small nursery, and a heap that grows by a
 * fifth before it is swept, where V8 would let it grow to several times what lives. Under load the functions' process
 * takes half of what it would, and a call no longer.
 */
export const NODE_FLAGS: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=4',
  '--heap-growing-percent=20',
];
