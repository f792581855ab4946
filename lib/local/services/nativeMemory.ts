/**
 * What glibc is told about memory. Its pools, one for each thread unless told otherwise, hold more than they give back;
 * and blocks of megabytes, which a context of llama.cpp is made of, must go back to the system when it is closed, for
 * with a threshold that glibc raises by itself a process grows with every adapter that it switches to.
 */
export const NATIVE_MEMORY = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(1024 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(128 * 1024),
} as const;
