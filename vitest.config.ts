import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './test/support/count-reporter.ts';
import { LongFirst } from './test/support/long-first.ts';

const CORES = ['src/**/core/**/*.test.ts', 'packages/*/src/core/**/*.test.ts'];

export default defineConfig({
  test: {
    // As many as cores, and no more: with twice as many, real databases and processes wait for each other past the patience of their tests.
    maxWorkers: Math.min(8, availableParallelism()),
    sequence: { sequencer: LongFirst },
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', new CountReporter()],
    projects: [
      {
        test: {
          name: 'all',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'packages/*/{src,test}/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...CORES],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // By itself a second, in which a busy machine does not always begin a process or a connection. It bounds a hang, nothing else.
          expect: { poll: { timeout: 60_000 } },
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'cores',
          include: CORES,
          testTimeout: 180_000,
          pool: 'forks',
          // A core has no state, so nothing is left for the next file, and what many files import is loaded once.
          isolate: false,
        },
      },
    ],
  },
});
