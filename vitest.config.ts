import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Two cores are what we develop on: files run in two processes, each with its own engine. */
const shared = { pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 120_000 }

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/cdk/**', 'test/stream/kafka*', 'test/store/s3*'],
          setupFiles: ['test/support/engine.ts'],
        },
      },
      { test: { ...shared, name: 's3', include: ['test/store/s3*.test.ts'] } },
      { test: { ...shared, name: 'kafka', include: ['test/stream/kafka*.test.ts'] } },
      { test: { ...shared, name: 'cdk', include: ['test/cdk/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 600_000,
        },
      },
    ],
  },
})

export default config
