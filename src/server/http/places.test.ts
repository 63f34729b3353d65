import { expect, test } from 'vitest';
import { createPlaces, type Places } from './places.ts';

const PUBLIC = { scopes: ['client-evaluate', 'kill'] } as const;
const SERVER = { scopes: ['client-evaluate', 'server-evaluate'] } as const;

function placesOf(most: number): { readonly places: Places; readonly said: unknown[] } {
  const said: unknown[] = [];
  return { places: createPlaces({ most, random: () => 0.5, log: (_level, _message, fields) => void said.push(fields) }), said };
}

/** How many are given before the first refusal. */
function takeAll(places: Places, token: typeof PUBLIC | typeof SERVER): number {
  for (let taken = 0; taken <= places.most; taken++) {
    try {
      places.take(token);
    } catch (error) {
      expect(error).toMatchObject({ code: 'too_many_streams', http: 503, afterMs: 18_000 });
      return taken;
    }
  }
  throw new Error('there is no bound');
}

test('public tokens get half of the places, and servers whatever is left', () => {
  const { places } = placesOf(7);
  expect([takeAll(places, PUBLIC), takeAll(places, SERVER)]).toEqual([3, 4]);
  expect([takeAll(placesOf(7).places, SERVER), takeAll(placesOf(2).places, PUBLIC)]).toEqual([7, 1]);
});

test('where servers have taken more than half, the public gets less', () => {
  const { places } = placesOf(6);
  for (let taken = 0; taken < 5; taken++) places.take(SERVER);
  expect([takeAll(places, PUBLIC), places.taken('public'), places.taken('server')]).toEqual([1, 1, 5]);
});

test('a place that was given back is taken by the next', () => {
  const { places } = placesOf(4);
  const giveBack = places.take(PUBLIC);
  expect(takeAll(places, PUBLIC)).toBe(1);
  giveBack();
  expect([takeAll(places, PUBLIC), places.taken('public')]).toEqual([1, 2]);
});

test('refusals are counted each, and logged once until it is quiet again', () => {
  const { places, said } = placesOf(4);
  takeAll(places, SERVER);
  takeAll(places, PUBLIC);
  expect([places.refused('server'), places.refused('public')]).toEqual([1, 1]);
  expect(said).toEqual([{ tokens: 'server', public: 0, server: 4, most: 4, forPublic: 2 }]);
  places.quieted();
  takeAll(places, PUBLIC);
  expect(said).toHaveLength(2);
});
