import type pg from 'pg';
import { withClient } from '../access.ts';
import { lossesOf, type Loss } from '../core/plan/losses.ts';
import { filePhase, phasesOf, splitOf } from '../core/plan/phase.ts';
import { refusedIn } from '../core/plan/refused.ts';
import { effectsOf } from '../core/rollback-class.ts';
import type { Statement } from '../core/types.ts';
import { filledError } from '../histories/begin.ts';
import { lookAhead } from '../histories/open.ts';
import type { MigrationFile } from '../migrations.ts';
import type { FolderRequest } from '../histories/ports.ts';
import { readMigrations } from '../read-migrations.ts';
import type { DatabaseAccess } from '../ports.ts';
import { readCatalog } from '../lint/catalog.ts';
import { countLoss } from './count.ts';
import { fileLedger, type Before } from './ledger.ts';
import { contractionsOf } from '../old-shape/pending.ts';
import type { CountedLoss, MigrationPlan, PlannedFile, TakenAway } from './ports.ts';
import { lookAtTables, touchedTables } from './tables.ts';

/**
 * Reads the pending files, says where each statement belongs, what becomes of the old version and what is lost; with a database,
 * counted there.
 * @param access null: no database is asked, and all files count as pending
 * @throws SlipwayError `not_found`, `config_invalid` (as `readMigrations`), `database_unreachable`
 */
export async function planMigrations(access: DatabaseAccess | null, folder: FolderRequest): Promise<MigrationPlan> {
  if (access === null) {
    const { files } = await readMigrations(folder);
    return { files: files.map((file) => planned(file, null, null)), asked: false, drift: [], takenAway: await takenAway(null, files) };
  }
  return withClient(access, 'planning migrations', async (client) => {
    const { pending, drift, broken, partial, filled } = await lookAhead(client, await readMigrations(folder, client));
    const refusal = filled === null ? null : filledError(filled);
    const { schema, path: looked } = await readCatalog(access);
    // Where no schema is looked into, a bare name means nothing.
    const path = looked.length === 0 ? null : looked;
    const plans: PlannedFile[] = [];
    // Of a file that stopped in the middle the catalog has a part already, and of which is known only when it goes on.
    let unsure = partial === null ? null : `${partial.name} is partly applied`;
    // Each file changes the schema that the next one meets.
    for (const [index, file] of pending.entries()) {
      const before = pending.slice(0, index).flatMap(({ up }) => up.statements);
      const judged = refusedIn({ name: file.name, statements: file.up.statements, ground: { schema, path }, unsure });
      const { refusals, notLookedAt } = judged;
      unsure = judged.unsure;
      plans.push(planned(file, { ...(await factsOf(client, file, before)), refusals, notLookedAt }, { schema, path }));
    }
    return {
      files: plans,
      asked: true,
      drift: [...(refusal === null ? [] : [`${refusal.message}. ${refusal.hint}`]), ...broken, ...drift],
      takenAway: await takenAway(client, pending),
    };
  });
}

async function takenAway(client: pg.Client | null, files: readonly MigrationFile[]): Promise<readonly TakenAway[]> {
  const { contractions } = await contractionsOf(client, files);
  return files.flatMap(({ name }) => {
    const what = contractions.filter(({ file }) => file === name).flatMap(({ shapes }) => shapes.map(({ told }) => told));
    return what.length === 0 ? [] : [{ file: name, what: [...new Set(what)] }];
  });
}

type Facts = Pick<PlannedFile, 'losses' | 'tables' | 'refusals' | 'notLookedAt'>;

function planned(file: MigrationFile, facts: Facts | null, before: Before | null): PlannedFile {
  const { name, rollbackClass, because, transactional, hasDown, up } = file;
  const effects = effectsOf(up.statements);
  const statements = phasesOf(effects);
  const { phase, because: phaseBecause } = filePhase(statements);
  const notAsked = (loss: Loss): CountedLoss => ({ ...withoutSql(loss), rows: null, because: 'no database was asked', query: loss.sql });
  const found: Facts = facts ?? {
    losses: lossesOf(effects).filter(isCounted).map(notAsked),
    refusals: [],
    notLookedAt: null,
    tables: touchedTables(up.statements).map((table) => ({ name: table, rows: null, bytes: null, dependants: null })),
  };
  return {
    name,
    rollbackClass,
    classBecause: because,
    phase,
    because: phaseBecause,
    transactional,
    hasDown,
    statements,
    split: phase === 'mixed' ? splitOf(name, statements) : null,
    ...found,
    ledger: fileLedger(file, found, before),
  };
}

const withoutSql = ({ line, kind, what }: Loss): Pick<Loss, 'line' | 'kind' | 'what'> => ({ line, kind, what });

/** Whether any key holds what is deleted, and whether a type is a domain, only a database tells. */
const isCounted = ({ find }: Loss): boolean => find?.kind !== 'referenced' && find?.kind !== 'filled';

/** @param before what is pending before the file */
async function factsOf(
  client: pg.Client,
  { up }: MigrationFile,
  before: readonly Statement[],
): Promise<Omit<Facts, 'refusals' | 'notLookedAt'>> {
  const losses: CountedLoss[] = [];
  for (const loss of lossesOf(effectsOf(up.statements), before)) losses.push(...(await countLoss(client, loss)));
  return { losses, tables: await lookAtTables(client, touchedTables(up.statements)) };
}
