import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../../', import.meta.url).pathname,
    include: ['test/serving/*.serving.ts'],
    // One engine at a time: vLLM takes all cores that it finds.
    maxWorkers: 1,
    setupFiles: ['test/builders/seed.ts'],
    // vLLM alone takes a minute to start, more on a busy machine.
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
