import type { FilePhase } from '../plan/phase.ts';

/** The schemas a database goes through while a change is rolled out, in this order. */
export const SCHEMAS = ['old', 'expanded', 'backfilled', 'switched', 'contracted'] as const;

export type SchemaName = (typeof SCHEMAS)[number];

/** A pending file and what it is. */
export interface PhasedFile {
  readonly name: string;
  readonly phase: FilePhase['phase'];
  readonly because: string;
}

/** How a schema is made from the one before it. */
export interface SchemaRecipe {
  readonly schema: SchemaName;
  /** Pending files applied on top, in order. */
  readonly files: readonly string[];
  /** Backfills run after them. */
  readonly backfills: readonly string[];
  /** The schema this one equals, because nothing is done on top of it; null when it is one of its own. */
  readonly sameAs: SchemaName | null;
  /** Why nobody can say what belongs to it; null when that is known. */
  readonly unclear: string | null;
}

/**
 * Sorts pending files into schemas. They keep their order, as a release applies them: the first backfill ends what is expanded, the first
 * switch what is backfilled, the first contract what is switched. Without a switch there is no switched schema. A file whose parts belong to several, or to nobody knows which, makes the schema it
 * is met in and all later ones unclear.
 */
export function schemasOf(pending: readonly PhasedFile[], backfills: readonly string[]): readonly SchemaRecipe[] {
  const { files, unclear } = placed(pending);
  const recipes: SchemaRecipe[] = [];
  for (const [rank, schema] of SCHEMAS.entries()) {
    if (schema === 'switched' && files[schema].length === 0) continue;
    const own = { files: files[schema], backfills: schema === 'backfilled' ? backfills : [] };
    const why = unclear !== null && rank >= unclear.from ? unclear.why : null;
    recipes.push({ schema, ...own, sameAs: why === null ? sameAsBefore(own, recipes.at(-1)) : null, unclear: why });
  }
  return recipes;
}

interface Placed {
  readonly files: Readonly<Record<SchemaName, readonly string[]>>;
  /** From which schema on nobody knows. */
  readonly unclear: { readonly from: number; readonly why: string } | null;
}

function placed(pending: readonly PhasedFile[]): Placed {
  const files: Record<SchemaName, string[]> = { old: [], expanded: [], backfilled: [], switched: [], contracted: [] };
  let current = 1;
  let unclear: Placed['unclear'] = null;
  for (const { name, phase, because } of pending) {
    if (phase === 'mixed' || phase === 'unknown') unclear ??= { from: current, why: `${name} is ${phase}: ${because}` };
    else current = Math.max(current, RANK[phase]);
    files[SCHEMAS[current] ?? 'contracted'].push(name);
  }
  return { files, unclear };
}

function sameAsBefore(own: Pick<SchemaRecipe, 'files' | 'backfills'>, before: SchemaRecipe | undefined): SchemaName | null {
  if (before === undefined || own.files.length + own.backfills.length > 0) return null;
  return before.sameAs ?? before.schema;
}

/** The first schema a file of this phase may belong to. */
const RANK: Readonly<Record<Exclude<FilePhase['phase'], 'mixed' | 'unknown'>, number>> = {
  neutral: 1,
  expand: 1,
  backfill: 2,
  switch: 3,
  contract: 4,
};
