import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cleanup, createCleanup, until } from '../../../../test/traffic/support.ts';
import { systemClock } from '../../../kernel/index.ts';
import { readLine } from './line.ts';
import { openLogStream } from './log-stream.ts';

const line = (serial: number, rest = 'shop.prd.a 127.0.0.1:80 200 30 2 5 1 22 0 -- -'): string => `word 7 ${serial} 3 ${rest}`;
let cleanup: Cleanup;
beforeEach(() => {
  cleanup = createCleanup();
});
afterEach(() => cleanup.run());

it('knows that a line was lost from the serial number of the next one, and that the last one is missing', async () => {
  let gaps = 0;
  const seen: number[] = [];
  const stream = await openLogStream({ token: 'word', clock: systemClock, onLine: ({ serial }) => seen.push(serial), onGap: () => gaps++ });
  cleanup.add(stream, (open) => open.close());
  stream.follow(7);
  const sender = cleanup.add(createSocket('udp4'), (socket) => socket.close());
  const send = async (text: string): Promise<void> => {
    await new Promise((resolve) => sender.send(text, stream.port, '127.0.0.1', resolve));
  };
  for (const serial of [1, 2, 3]) await send(line(serial));
  expect(await stream.reached(7, 3)).toBe(true);
  expect(gaps).toBe(0);
  await send(line(5));
  await until('it came', () => seen.length === 4);
  expect(gaps).toBe(1);
  expect(await stream.reached(7, 6)).toBe(false);
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

it.each(['', 'word', 'other 7 1 3 b s 200 1 0 0 0 1 0 -- -', 'word 7 x 3 b s 200 1 0 0 0 1 0 -- -', `${line(1)} more`])(
  'does not read %j',
  (text) => {
    expect(readLine(text, 'word')).toBeNull();
  },
);
