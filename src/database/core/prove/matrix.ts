import { joinVerdicts, type Verdict } from '../../../kernel/pure.ts';
import type { SchemaName, SchemaRecipe } from './schemas.ts';

export type VersionSide = 'old' | 'new';

/** What of a version is proven: what answers users, or what works in the background. */
export type Part = 'service' | 'workers' | Consumer;

/** Somebody else who uses the database: reports, a cron job, an admin tool. It is known by its query set alone. */
export type Consumer = `consumer ${string}`;

/** One question of the matrix: does this part of this version work on this schema? */
export interface Cell {
  readonly version: VersionSide;
  readonly part: Part;
  readonly schema: SchemaName;
  /** True when a release that keeps the old version running needs a pass here. */
  readonly required: boolean;
  /** The schema on which it is really run, where this one is the same; null when the schema is unclear and nothing can be run. */
  readonly runsOn: SchemaName | null;
  /** What is asked with it. */
  readonly meaning: string;
}

/**
 * All cells of a change. The new version on the old schema is none of them: migrations come before the version.
 * @param parts what each version has
 */
export function cellsOf(recipes: readonly SchemaRecipe[], parts: Readonly<Record<VersionSide, readonly Part[]>>): readonly Cell[] {
  return (['old', 'new'] as const).flatMap((version) =>
    parts[version].flatMap((part) =>
      recipes
        .filter(({ schema }) => version === 'old' || schema !== 'old')
        .map((recipe) => ({
          version,
          part,
          schema: recipe.schema,
          required: isRequired(version, recipe),
          runsOn: recipe.unclear === null ? (recipe.sameAs ?? recipe.schema) : null,
          meaning: MEANINGS[version][recipe.schema],
        })),
    ),
  );
}

function isRequired(version: VersionSide, { schema, sameAs }: SchemaRecipe): boolean {
  if (schema !== 'contracted') return true;
  // Before the contraction the old version is gone; that it is, is what the gate of the contraction asks.
  return version === 'new' && sameAs === null;
}

const MEANINGS: Readonly<Record<VersionSide, Readonly<Record<SchemaName, string>>>> = {
  old: {
    old: 'the base: a check that fails here is broken itself',
    expanded: 'users are on it while the schema grows',
    backfilled: 'the way back',
    switched: 'users are on it while the new version starts',
    contracted: 'expected to fail: nothing may be contracted while it runs',
  },
  new: {
    old: '',
    expanded: 'its first users meet this',
    backfilled: 'all users meet this',
    switched: 'all users meet this',
    contracted: 'after the contraction',
  },
};

/** May a release go out that keeps the old version running? Only when every required cell passed. */
export function matrixVerdict(cells: readonly { readonly required: boolean; readonly verdict: Verdict }[]): Verdict {
  return joinVerdicts(cells.filter(({ required }) => required).map(({ verdict }) => verdict));
}
