import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores is the smallest machine that the suite must pass on; more forks only make them wait for each other.
    maxWorkers: 2,
    setupFiles: ['test/builders/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
