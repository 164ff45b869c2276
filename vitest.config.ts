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
    sequence: { shuffle: true },
  },
})
