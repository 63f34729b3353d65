import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { aPlan } from '../../../test/support/plan.ts';
import { systemClock } from '../../kernel/index.ts';
import type { SmokeDefinition } from '../core/definition.ts';
import type { StepContext } from '../ports.ts';
import type { StepDeps } from '../steps/deps.ts';
import { runSmoke, type SmokeTarget } from './smoke.ts';

const deps = { environmentFor: async () => ({}) } as unknown as StepDeps;
const context = {
  plan: aPlan(),
  step: { stage: 'verify' },
  signal: new AbortController().signal,
  effects: { clock: systemClock },
} as unknown as StepContext;
const target = { bases: [], database: null, version: '1.1.0', healthPath: null, folder: '/', mustRead: false, mustWrite: false };
const http = {
  kind: 'http',
  method: 'GET',
  path: '/',
  headers: {},
  body: null,
  expectStatus: [200],
  expectJson: null,
  timeoutMs: 1_000,
  cleanup: null,
} as const;

async function verdictsOf(smoke: Partial<SmokeDefinition>, must: Partial<SmokeTarget> = {}): Promise<Readonly<Record<string, string>>> {
  const none: SmokeDefinition = { read: [], noReads: null, write: [], noWrites: null, worker: [], expectVersion: false, withinMs: 0 };
  const { checks } = await runSmoke(deps, context, { ...none, ...smoke }, { ...target, ...must });
  return Object.fromEntries((checks ?? []).map((check) => [check.name, check.verdict]));
}

describe('a smoke that leaves a path out', () => {
  const sql = { kind: 'sql', name: 'jobs move', query: 'select 1', expect: {}, timeoutMs: 1_000 } as const;
  const must = { mustRead: true, mustWrite: true };

  it('is unknown, whatever else was checked', async () => {
    expect(await verdictsOf({ worker: [sql] }, must)).toEqual({ 'jobs move': 'unknown', 'read path': 'unknown', 'write path': 'unknown' });
  });

  it('may say why there is nothing to read or to write', async () => {
    expect(await verdictsOf({ worker: [sql], noReads: 'a webhook sink', noWrites: 'a report' }, must)).toEqual({ 'jobs move': 'unknown' });
  });
});

describe('an answer that is not as it should be', () => {
  /** How often it is asked, by a smoke that may take a minute, when it answers this. */
  async function timesAsked(answer: (response: ServerResponse) => void, { stage = 'verify', timeoutMs = 60_000 } = {}): Promise<number> {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      // It gets well the fifth time, so that a smoke that never gave up would pass.
      if (asked < 5) answer(response);
      else response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const read = [{ ...http, name: 'read', timeoutMs }];
      const none: SmokeDefinition = { read, noReads: null, write: [], noWrites: null, worker: [], expectVersion: false, withinMs: 60_000 };
      await runSmoke(deps, { ...context, step: { stage } as StepContext['step'] }, none, { ...target, bases: [base] });
      return asked;
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it.each([
    ['a 500 is asked once more and then believed', (response: ServerResponse) => response.writeHead(500).end(), 2],
    ['a 503 may be a start that takes its time', (response: ServerResponse) => response.writeHead(503).end(), 5],
    ['a broken connection, too', (response: ServerResponse) => response.destroy(), 5],
  ] as const)('%s', async (_what, answer, times) => {
    expect(await timesAsked(answer)).toBe(times);
  });

  it('no answer in time, too', async () => {
    expect(await timesAsked(() => undefined, { timeoutMs: 300 })).toBe(2);
  });

  it('is asked for as long as it may take on the way back, whatever it is', async () => {
    expect(await timesAsked((response) => response.writeHead(500).end(), { stage: 'rollback' })).toBe(5);
  });
});

describe('the smoke of a service without an address', () => {
  it('asks every declared question', async () => {
    // There is no database here either, so the answer is unknown; a question left out would have none.
    const sql = { kind: 'sql', name: 'jobs move', query: 'select 1', expect: {}, timeoutMs: 1_000 } as const;
    expect(await verdictsOf({ read: [sql] })).toEqual({ 'jobs move': 'unknown' });
  });

  it('fails an HTTP check, which has nobody to ask', async () => {
    expect(await verdictsOf({ read: [{ ...http, name: 'read' }] })).toEqual({ read: 'fail' });
  });

  it('is unknown when nothing is declared', async () => {
    expect(await verdictsOf({})).toEqual({ smoke: 'unknown' });
  });
});
