import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GroupSpec, ProcessSpec } from '../ports.ts';
import { commandOf } from './process-env.ts';

const worker = (partitions?: ProcessSpec['partitions']): ProcessSpec => ({
  name: 'worker',
  argv: ['node'],
  env: {},
  instances: 1,
  port: false,
  health: { kind: 'alive', forMs: 1 },
  stopGraceMs: 1,
  ...(partitions === undefined ? {} : { partitions }),
});
const GROUP: GroupSpec = {
  id: 'shop/prd/blue',
  service: 'shop',
  environment: 'prd',
  version: '1',
  release: 'r',
  directory: '/',
  processes: [],
  envFile: null,
};

/** What instance `index` is told of its part. */
function partOf(process: ProcessSpec, index: number): readonly (string | undefined)[] {
  const { env } = commandOf(GROUP, process, { index, port: null }, {});
  return [env['SLIPWAY_PARTITION'], env['SLIPWAY_PARTITIONS']];
}

describe('the part of the work an instance is told', () => {
  it('is taken by exactly one instance of two versions, however they share the instances', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(), (count, share) => {
        const fresh = share % (count + 1);
        const parts = [
          ...Array.from({ length: count - fresh }, (_none, index) => partOf(worker({ count, from: 'first' }), index)),
          ...Array.from({ length: fresh }, (_none, index) => partOf(worker({ count, from: 'last' }), index)),
        ];
        expect(parts.map(([part]) => Number(part)).toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_none, part) => part));
        expect(new Set(parts.map(([, all]) => all))).toEqual(new Set([String(count)]));
      }),
    );
  });

  it('is nothing where the work is not divided, and beyond the parts', () => {
    expect(partOf(worker(), 0)).toEqual([undefined, undefined]);
    expect(partOf(worker({ count: 2, from: 'last' }), 2)).toEqual([undefined, undefined]);
  });
});
