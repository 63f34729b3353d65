import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cleanup, createCleanup, until } from '../../../../test/traffic/support.ts';
import { systemClock } from '../../../kernel/index.ts';
import { readLine } from './line.ts';
import { openLogStream } from './log-stream.ts';

const line = (serial: number, rest = 'shop.prd.a 127.0.0.1:80 200 30 2 5 1 22 0 -- -'): string => `word 7 shop.prd ${serial} 3 ${rest}`;
let cleanup: Cleanup;
beforeEach(() => {
  cleanup = createCleanup();
});
afterEach(() => cleanup.run());

it('misses a line of a route once: from the next one, or because it does not come; and counts none that comes too late', async () => {
  const gaps: string[] = [];
  const seen: string[] = [];
  const stream = await openLogStream({
    token: 'word',
    clock: systemClock,
    bufferBytes: 1 << 20,
    onLine: ({ frontend, serial }) => seen.push(`${frontend} ${serial}`),
    onGap: (frontend) => gaps.push(frontend),
  });
  cleanup.add(stream, (open) => open.close());
  stream.follow(7);
  const sender = cleanup.add(createSocket('udp4'), (socket) => socket.close());
  const send = async (text: string): Promise<void> => {
    await new Promise((resolve) => sender.send(text, stream.port, '127.0.0.1', resolve));
  };
  const other = (serial: number): string => line(serial).replace('shop.prd', 'billing.prd');
  for (const text of [line(1), other(1), line(2), line(3), other(2)]) await send(text);
  await stream.reached({ pid: 7, frontend: 'shop.prd', serial: 3 });
  await stream.reached({ pid: 7, frontend: 'billing.prd', serial: 2 });
  expect(gaps).toEqual([]);

  await send(line(5));
  await until('it came', () => seen.includes('shop.prd 5'));
  expect(gaps).toEqual(['shop.prd']);

  await Promise.all([
    stream.reached({ pid: 7, frontend: 'shop.prd', serial: 6 }),
    stream.reached({ pid: 7, frontend: 'shop.prd', serial: 6 }),
  ]);
  await stream.reached({ pid: 7, frontend: 'shop.prd', serial: 6 });
  for (const text of [line(6), line(7), other(3)]) await send(text);
  await until('the other route is as before', () => seen.includes('billing.prd 3'));
  expect(gaps).toEqual(['shop.prd', 'shop.prd']);
  expect(seen).toEqual([
    'shop.prd 1',
    'billing.prd 1',
    'shop.prd 2',
    'shop.prd 3',
    'billing.prd 2',
    'shop.prd 5',
    'shop.prd 7',
    'billing.prd 3',
  ]);
});

it.each([
  ['an answer', '200 30 2 5 1 22 0 -- -', { status: 200, latencyMs: 23, ending: 200, retries: 0, isProbe: false }],
  ['an error after two attempts elsewhere', '503 30 2 5 -1 -1 +2 SC 1', { ending: 503, retries: 2, isProbe: true }],
  ['a client that left', '-1 30 2 5 1 -1 0 CH -', { ending: 'gone' }],
  ['an answer that broke off', '200 30 2 5 1 22 0 SD -', { ending: 'broken' }],
  ['an upgrade, by the time to its decision', '101 90000 2 5 1 22 0 -- -', { latencyMs: 23 }],
])('reads %s', (_what, rest, expected) => {
  expect(readLine(line(1, `shop.prd.a 127.0.0.1:80 ${rest}`), 'word')).toMatchObject(expected);
});

it.each(['', 'word', 'other 7 f 1 3 b s 200 1 0 0 0 1 0 -- -', 'word 7 f x 3 b s 200 1 0 0 0 1 0 -- -', `${line(1)} more`])(
  'does not read %j',
  (text) => {
    expect(readLine(text, 'word')).toBeNull();
  },
);
