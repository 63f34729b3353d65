import { afterEach, expect, test } from 'vitest';
import { startRefusals, type Refusal, type Refusals } from './refusals.ts';

const SHOP = { id: 'a1', description: 'web shop', environment: 'prd' };

let now: number;
let lines: Record<string, unknown>[];
let refusals: Refusals;
function start(): void {
  [now, lines] = [0, []];
  refusals = startRefusals({
    clock: { monotonic: () => now },
    log: (level, message, fields) => void lines.push({ level, message, ...fields }),
    addressOf: ({ env }) => env as unknown as string,
  });
}
afterEach(() => refusals.close());

const note = (why: Refusal['why'], token: Refusal['token'] = null, address = '10.0.0.1', times = 1): void => {
  for (let left = times; left > 0; left--) refusals.note({ env: address as never }, { why, token });
};
/** What was said since the last time. */
const said = (): readonly Record<string, unknown>[] => lines.splice(0);

test('who is refused is told at once, once, and then how often until then', () => {
  start();
  note('revoked', SHOP, '10.0.0.1', 500);
  const told = {
    level: 'warn',
    status: 401,
    reason: 'revoked',
    token: 'a1',
    description: 'web shop',
    environment: 'prd',
    address: '10.0.0.1',
  };
  expect(said()).toEqual([{ ...told, message: 'a client is refused: its token is revoked', count: 1 }]);
  now = 60_000;
  refusals.flush();
  expect(said()).toMatchObject([{ ...told, count: 499, seconds: 60 }]);
  // It goes on: one line for each time, not two.
  note('revoked', SHOP, '10.0.0.1', 7);
  expect(said()).toEqual([]);
  now = 120_000;
  refusals.flush();
  expect(said()).toMatchObject([{ count: 7, seconds: 60 }]);
  // It is over; when it begins again it is news.
  refusals.flush();
  expect(said()).toEqual([]);
  note('revoked', SHOP);
  expect(said()).toMatchObject([{ count: 1 }]);
});

test('tokens, reasons and addresses are told apart', () => {
  start();
  note('scope', SHOP);
  note('too-often', SHOP);
  note('scope', SHOP, '10.0.0.2');
  note('scope', { ...SHOP, id: 'b2' });
  note('no-token');
  expect(said().map(({ status, token, address }) => [status, token, address])).toEqual([
    [403, 'a1', '10.0.0.1'],
    [429, 'a1', '10.0.0.1'],
    [403, 'a1', '10.0.0.2'],
    [403, 'b2', '10.0.0.1'],
    [401, undefined, '10.0.0.1'],
  ]);
});

test('however many bring whatever, lines are few, and none is kept from who has a token', () => {
  start();
  for (let from = 0; from < 10_000; from++) note('unknown', null, `10.1.0.${from}`);
  for (let from = 0; from < 100; from++) note('secret', SHOP, `10.2.0.${from}`);
  expect(said()).toHaveLength(50);
  note('expired', SHOP);
  expect(said()).toMatchObject([{ reason: 'expired', token: 'a1' }]);
  now = 30_000;
  refusals.flush();
  expect(said()).toEqual([{ level: 'warn', message: 'more clients are refused than are named', unknown: 9_950, secret: 100, seconds: 30 }]);
});

test('the end loses no count', () => {
  start();
  note('no-token', null, '10.0.0.1', 3);
  said();
  refusals.close();
  expect(said()).toMatchObject([{ count: 2 }]);
});
