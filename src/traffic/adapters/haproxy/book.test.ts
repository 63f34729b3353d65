import { expect, it } from 'vitest';
import { systemClock } from '../../../kernel/index.ts';
import { Book } from './book.ts';

const BLUE = 'shop/prd/blue';
const ONE = '127.0.0.1:1';

/** A route with two versions, of which each has an instance and may answer for the other. */
function bed() {
  const book = new Book(systemClock, () => undefined);
  book.setEndpoints(BLUE, [{ host: '127.0.0.1', port: 1 }]);
  book.setEndpoints('shop/prd/green', [{ host: '127.0.0.1', port: 2 }]);
  const backends = [BLUE, 'shop/prd/green'].map((group) => ({ group, version: group, weight: 50, process: 'web' }));
  const entry = { ...book.next({ id: 'shop/prd', listen: { host: '127.0.0.1', port: 3 }, mode: 'open', backends }), listening: true };
  book.keep(entry);
  book.serversOf(entry);
  const silent = (count: number, ...names: readonly string[]): void =>
    book.countSilent('shop.prd.a', {
      silent: count,
      servers: new Map(names.map((name) => [name, { answered: 0, unanswered: 1, failed: 1 }])),
    });
  const read = () => book.get('shop/prd')?.counters.read();
  return { book, silent, read };
}

it('counts what was broken off without a line for the version whose instance it was, and begins again where that is not known', () => {
  const { silent, read } = bed();
  const since = read()?.since ?? 0;
  silent(2, ONE);
  expect(read()).toMatchObject({ since, versions: [{ group: BLUE, requests: 2, errors: 2 }] });
  silent(2, ONE, 'other-127.0.0.1:2');
  expect(read()?.since).toBeGreaterThan(since);
  expect(read()?.versions.map(({ errors }) => errors)).toEqual([0]);
});

it('counts nothing of before it began: what one look finds after that may be older', () => {
  const { book, silent, read } = bed();
  book.countAgain('shop.prd', 'a test');
  const since = read()?.since ?? 0;
  silent(1, ONE);
  expect(read()?.since).toBeGreaterThan(since);
  expect(read()?.versions).toEqual([]);
  book.looked();
  silent(1, ONE);
  expect(read()?.versions).toMatchObject([{ requests: 1, errors: 1 }]);
});
