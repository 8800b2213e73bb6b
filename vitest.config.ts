import { defineConfig } from 'vitest/config';

// One project a kind of test. Sources are taken through the `source` condition of each package: no build is needed.
const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
};
const forks = { pool: 'forks' as const, testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    // Two cores: more workers only make time-outs.
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      {
        ...shared,
        test: {
          ...forks,
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts'],
          exclude: ['**/e2e/**', '**/soak/**', '**/node_modules/**'],
          globalSetup: ['packages/testkit/src/vitest-postgres.ts'],
        },
      },
      {
        ...shared,
        test: {
          ...forks,
          name: 'conformance',
          include: ['conformance/test/**/*.test.ts'],
          // What needs more than one broker; the reasons are in conformance/README.md.
          exclude: process.env['ROCKETMQ_TARGET'] === 'real' ? [] : ['conformance/test/real/**'],
          testTimeout: 90_000,
          hookTimeout: 90_000,
          globalSetup: ['packages/testkit/src/vitest-rocketmq.ts'],
        },
      },
      {
        ...shared,
        test: {
          ...forks,
          name: 'e2e',
          include: ['apps/*/test/e2e/**/*.test.ts'],
          // What holds for the embedded parts alone is not run again when the target is another; what needs Java is
          // run where the real RocketMQ is.
          exclude: process.env['ROCKETMQ_TARGET'] === 'real' ? ['**/e2e/embedded/**'] : ['**/e2e/real/**'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          globalSetup: ['packages/testkit/src/vitest-postgres.ts'],
        },
      },
      {
        ...shared,
        test: {
          ...forks,
          name: 'soak',
          include: ['packages/*/test/soak/**/*.test.ts', 'apps/*/test/soak/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          globalSetup: ['packages/testkit/src/vitest-postgres.ts'],
        },
      },
    ],
  },
});
