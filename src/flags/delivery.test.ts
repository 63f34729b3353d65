import { describe, expect, it } from 'vitest';
import { deliveryOf } from './delivery.ts';
import type { ServerReach } from './ports.ts';

const reach = (parts: Partial<ServerReach>): ServerReach => ({
  environment: 'dev',
  process: 'p',
  history: 'h',
  inMemory: 9,
  connected: 2,
  seq: 9,
  acknowledged: 2,
  p50Ms: null,
  p99Ms: null,
  lastMs: null,
  stale: [],
  host: 'web-1',
  pid: 17,
  silent: null,
  ended: null,
  ...parts,
});

const ended = { at: 2_000, until: 62_000, isOver: false, named: false };
const over = { ...ended, isOver: true };
const silent = { since: 1_000, until: 9_000 };

it.each([
  ['every server has it, and so has every client', [reach({}), reach({ seq: 11, inMemory: 12 })], true],
  ['a server began after it, and nobody is connected to it', [reach({}), reach({ seq: 0, connected: 0, acknowledged: 0 })], true],
  ['a server does not have it', [reach({}), reach({ seq: 0, inMemory: 8, connected: 0, acknowledged: 0 })], false],
  ['a server that does not have it is silent', [reach({}), reach({ seq: 0, inMemory: 8, connected: 0, acknowledged: 0, silent })], false],
  ['a server has it and is silent, and all its clients had said so', [reach({}), reach({ silent })], true],
  ['a server has it and is silent, and a client had not said so', [reach({}), reach({ acknowledged: 1, silent })], false],
  ['a client has not acknowledged it', [reach({ acknowledged: 1 })], false],
  ['more said so at one server than are connected, and fewer at another', [reach({ connected: 1 }), reach({ acknowledged: 1 })], false],
  ['clients acknowledged something older', [reach({ seq: 5 })], false],
  ['no server runs', [], false],
  ['a server ended whose clients had not said so', [reach({}), reach({ acknowledged: 1, ended })], false],
  ['a server ended whose clients had said so of something older', [reach({}), reach({ seq: 8, ended })], false],
  [
    'a server ended without it, and its clients came back',
    [reach({ connected: 4, acknowledged: 4 }), reach({ seq: 0, inMemory: 0, ended })],
    false,
  ],
  ['a server ended whose clients had all said so', [reach({}), reach({ ended })], true],
  ['only a server that ended had it', [reach({ ended })], false],
  ['a server ended more than a minute ago whose clients had not said so', [reach({}), reach({ acknowledged: 1, ended: over })], true],
] as const)('%s', (_what, reaches, complete) => {
  expect(deliveryOf(reaches, 9).complete).toBe(complete);
});

it('names who is silent and may be without it, and nobody else', () => {
  const reaches = [
    reach({ process: 'well' }),
    reach({ process: 'has it', silent }),
    reach({ process: 'older', seq: 5, inMemory: 5, pid: 18, silent }),
    reach({ process: 'with clients', acknowledged: 1, silent }),
    reach({ process: 'slow', inMemory: 5, seq: 5 }),
  ];
  expect(deliveryOf(reaches, 9).silent).toEqual([
    { process: 'older', host: 'web-1', pid: 18, since: 1_000, until: 9_000 },
    { process: 'with clients', host: 'web-1', pid: 17, since: 1_000, until: 9_000 },
  ]);
});

it('counts clients of a server process that ended by themselves, and its answers not at all', () => {
  const reaches = [reach({}), reach({ process: 'gone', connected: 5, acknowledged: 2, ended }), reach({ process: 'older', seq: 8, ended })];
  expect(deliveryOf(reaches, 9)).toMatchObject({
    servers: 1,
    heard: 1,
    connected: 2,
    acknowledged: 2,
    ended: [
      { process: 'gone', host: 'web-1', pid: 17, clients: 3, at: 2_000, until: 62_000 },
      { process: 'older', host: 'web-1', pid: 17, clients: 2, at: 2_000, until: 62_000 },
    ],
  });
});

describe('who missed a kill and is not waited for any more', () => {
  const killed = { seq: 9, at: 50_000 };
  const lost = (parts: Partial<ServerReach>) => deliveryOf([reach({ ended: over, ...parts })], 12, killed).lost;

  it('is told by server process, and by how many of them had not said that they have it', () => {
    expect(lost({ connected: 5, acknowledged: 2 })).toEqual([
      { process: 'p', host: 'web-1', pid: 17, clients: 3, at: 2_000, named: false },
    ]);
    expect(lost({ seq: 4, inMemory: 8, connected: 5, ended: { ...over, named: true } })).toMatchObject([{ clients: 5, named: true }]);
  });

  it.each([
    ['all had said so, of this kill or of a later change', { seq: 11 }],
    ['it had the kill, and counts nobody any more', { seq: 0, acknowledged: 0 }],
    ['whoever could come back had when it was killed', { acknowledged: 0, ended: { ...over, until: 49_999 } }],
    ['they are still waited for', { acknowledged: 0, ended }],
    ['the process may answer', { acknowledged: 0, ended: null }],
  ])('is nobody where %s', (_what, parts) => {
    expect(lost(parts)).toEqual([]);
  });

  it('is not asked where nothing was killed', () => {
    expect(deliveryOf([reach({ acknowledged: 0, ended: over })], 9).lost).toEqual([]);
  });
});
