import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RouteShape, problemsOfRoute } from './route.ts';

const route = (weights: readonly number[], port = 8080): RouteShape => ({
  id: 'shop/prd',
  listen: { host: '127.0.0.1', port },
  backends: weights.map((weight, index) => ({ group: `shop/prd/${index}`, weight })),
});

describe('problems of a route', () => {
  it.each([[[]], [[100]], [[95, 5]], [[0, 100]]])('accepts weights %j', (weights) => expect(problemsOfRoute(route(weights))).toEqual([]));

  it.each([[[99]], [[50, 51]], [[-5, 105]], [[33.3, 66.7]], [[Number.NaN]]])('refuses weights %j', (weights) =>
    expect(problemsOfRoute(route(weights))).not.toEqual([]),
  );

  it.each([0, 65_536, 80.5, Number.NaN])('refuses port %d', (port) =>
    expect(problemsOfRoute(route([100], port))[0]).toContain('listen.port'),
  );

  it('refuses a group named twice', () => {
    const twice = {
      ...route([]),
      backends: [
        { group: 'a', weight: 40 },
        { group: 'a', weight: 60 },
      ],
    };
    expect(problemsOfRoute(twice)).toEqual(['a is named twice; give each group one weight']);
  });

  it('accepts exactly the whole percents that sum to 100', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10, max: 110 }), { minLength: 1, maxLength: 4 }), (weights) => {
        const right = weights.every((weight) => weight >= 0 && weight <= 100) && weights.reduce((sum, weight) => sum + weight, 0) === 100;
        expect(problemsOfRoute(route(weights)).length === 0).toBe(right);
      }),
    );
  });
});
