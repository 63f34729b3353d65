import { expect, it } from 'vitest';
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

const ended = { at: 2_000, until: 62_000 };
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
