import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../kernel/pure.ts';
import { cellsOf, matrixVerdict, type Part } from './matrix.ts';
import { SCHEMAS, schemasOf, type PhasedFile } from './schemas.ts';

const PHASES = ['expand', 'neutral', 'backfill', 'switch', 'contract', 'mixed', 'unknown'] as const;
const pending = fc.array(fc.constantFrom(...PHASES), { maxLength: 6 }).map((phases) => phases.map(fileOf));
const backfills = fc.subarray(['fill', 'split']);
const parts = fc.subarray<Part>(['service', 'workers'], { minLength: 1 });

function fileOf(phase: PhasedFile['phase'], index: number): PhasedFile {
  return { name: `${index}_${phase}`, phase, because: 'a test' };
}
const schemas = (phases: readonly PhasedFile['phase'][], fills: readonly string[] = []) => schemasOf(phases.map(fileOf), fills);

describe('the schemas of a change', () => {
  it('apply each pending file once, in order, and each backfill once', () => {
    fc.assert(
      fc.property(pending, backfills, (files, fills) => {
        const recipes = schemasOf(files, fills);
        // Without a switch nothing is switched.
        const switched = recipes.find(({ schema }) => schema === 'switched');
        expect(recipes.map(({ schema }) => schema)).toEqual(SCHEMAS.filter((one) => one !== 'switched' || switched !== undefined));
        expect(switched?.files).not.toEqual([]);
        expect(recipes.flatMap((one) => one.files)).toEqual(files.map(({ name }) => name));
        expect(recipes.flatMap((one) => one.backfills)).toEqual(fills);
      }),
    );
  });

  it('are the same as the one before exactly where nothing is done and nothing is unclear', () => {
    fc.assert(
      fc.property(pending, backfills, (files, fills) => {
        for (const recipe of schemasOf(files, fills).slice(1)) {
          expect(recipe.sameAs !== null).toBe(recipe.files.length + recipe.backfills.length === 0 && recipe.unclear === null);
        }
      }),
    );
  });

  it('are unclear from the file on whose phase nobody knows, and stay so', () => {
    fc.assert(
      fc.property(pending, backfills, (files, fills) => {
        const recipes = schemasOf(files, fills);
        const bad = files.find(({ phase }) => phase === 'mixed' || phase === 'unknown');
        const first = recipes.findIndex((one) => one.files.includes(bad?.name ?? ''));
        expect(recipes.map(({ unclear }) => unclear !== null)).toEqual(recipes.map((_one, index) => first >= 0 && index >= first));
      }),
    );
  });

  it('never put what the old version notices before what it does not', () => {
    expect(schemas(['expand', 'neutral', 'backfill', 'expand', 'contract', 'expand']).map(({ files }) => files.length)).toEqual([
      0, 2, 2, 2,
    ]);
    expect(
      schemas(['expand', 'backfill', 'switch', 'expand', 'contract', 'switch']).map(({ schema, files }) => [schema, files.length]),
    ).toEqual([
      ['old', 0],
      ['expanded', 1],
      ['backfilled', 1],
      ['switched', 2],
      ['contracted', 2],
    ]);
  });
});

describe('the cells of a change', () => {
  it('require everything that runs while both versions do, and the new one after a contraction', () => {
    fc.assert(
      fc.property(pending, backfills, parts, parts, (files, fills, old, next) => {
        const recipes = schemasOf(files, fills);
        const cells = cellsOf(recipes, { old, new: next });
        expect(cells).toHaveLength(old.length * recipes.length + next.length * (recipes.length - 1));
        for (const { version, schema, required } of cells) {
          const contracted = recipes.find((one) => one.schema === 'contracted');
          expect(required).toBe(schema !== 'contracted' || (version === 'new' && contracted?.sameAs === null));
        }
      }),
    );
  });

  it('run on the schema they are the same as, and not at all on one that is unclear', () => {
    const cells = cellsOf(schemas(['expand', 'contract']), { old: ['service'], new: ['service'] });
    expect(cells.find(({ version, schema }) => version === 'new' && schema === 'backfilled')?.runsOn).toBe('expanded');
    expect(cellsOf(schemas(['mixed']), { old: ['service'], new: [] }).map(({ runsOn }) => runsOn)).toEqual(['old', null, null, null]);
  });

  it('pass together only if there is a required one and each of them passes', () => {
    const cell = fc.record({ required: fc.boolean(), verdict: fc.constantFrom<Verdict>('pass', 'fail', 'unknown') });
    fc.assert(
      fc.property(fc.array(cell), (cells) => {
        const required = cells.filter((one) => one.required);
        expect(matrixVerdict(cells) === 'pass').toBe(required.length > 0 && required.every(({ verdict }) => verdict === 'pass'));
      }),
    );
  });
});
