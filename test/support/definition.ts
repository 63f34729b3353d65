import type { Definition, ProcessDefinition } from '../../src/release/index.ts';

const API: ProcessDefinition = {
  name: 'api',
  argv: ['node', 'server.js'],
  env: {},
  instances: 2,
  port: true,
  routed: true,
  health: { kind: 'http', path: '/health', intervalMs: 200, timeoutMs: 1_000, startWithinMs: 10_000 },
  stopGraceMs: 5_000,
};

const WORKER: ProcessDefinition = {
  ...API,
  name: 'worker',
  argv: ['node', 'worker.js'],
  instances: 1,
  port: false,
  routed: false,
  health: { kind: 'alive', forMs: 500 },
};

/** A service with an API, a worker and a database; tests override what they are about. */
export function aDefinition(overrides: Partial<Definition> = {}): Definition {
  return {
    service: 'shop',
    environment: 'dev',
    owners: { application: null, database: null, secrets: null },
    processes: [API, WORKER],
    listen: { host: '127.0.0.1', port: 18080 },
    database: {
      url: '${env:DATABASE_URL}',
      env: 'DATABASE_URL',
      migrations: 'migrations',
      migrateCommand: null,
      migrateClass: 'restore',
      backup: { method: 'auto', command: null, restore: null, reason: null },
      lockTimeoutMs: 1_000,
      statementTimeoutMs: 60_000,
    },
    build: null,
    test: { argv: ['node', '--test'], timeoutMs: 60_000, env: {}, rerunnable: true },
    scan: null,
    smoke: { read: [], noReads: null, write: [], noWrites: null, worker: [], expectVersion: true, withinMs: 5_000 },
    observe: { windowMs: 10_000, everyMs: 2_000, because: 'test', maxErrorRate: 0.01, maxP99Ms: 500, maxRestarts: 2 },
    strategy: { name: 'auto', because: null },
    rollback: { automatic: true, because: null, targetMs: 60_000, warmMs: 60_000 },
    approvals: 0,
    envFile: null,
    ...overrides,
  };
}
