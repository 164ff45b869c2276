import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/.tools/**', 'test/testdata/**'],
    // Two cores, and machines that are slow at times: a test waits for a condition, never for a duration.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    // No test needs an earlier one. Files keep Vitest's order, the longest first, so that no core is idle at the end.
    sequence: { shuffle: { tests: true } },
  },
})
