import type pg from 'pg';
import { withClient } from '../access.ts';
import { compareHistory } from '../core/drift.ts';
import { lossesOf, type Loss } from '../core/plan/losses.ts';
import { filePhase, phasesOf, splitOf } from '../core/plan/phase.ts';
import { effectsOf } from '../core/rollback-class.ts';
import { serverError } from '../errors.ts';
import { readHistory } from '../history.ts';
import { readMigrations, type MigrationFile } from '../migrations.ts';
import type { DatabaseAccess } from '../ports.ts';
import type { CountedLoss, MigrationPlan, PlannedFile } from './ports.ts';
import { lookAtTables, touchedTables } from './tables.ts';

const COUNT_WITHIN_MS = 30_000;

/**
 * Reads the pending files, says where each statement belongs, what becomes of the old version and what is lost; with a database,
 * counted there.
 * @param access null: no database is asked, and all files count as pending
 * @throws SlipwayError `not_found`, `config_invalid` (as `readMigrations`), `database_unreachable`
 */
export async function planMigrations(access: DatabaseAccess | null, directory: string, shown = directory): Promise<MigrationPlan> {
  const files = await readMigrations(directory, shown);
  if (access === null) return { files: files.map((file) => planned(file, null)), asked: false, drift: [] };
  return withClient(access, 'plan migrations', async (client) => {
    const { pending, drift } = compareHistory(files, await readHistory(client));
    const plans: PlannedFile[] = [];
    for (const file of pending) plans.push(planned(file, await factsOf(client, file)));
    return { files: plans, asked: true, drift };
  });
}

interface Facts {
  readonly losses: readonly CountedLoss[];
  readonly tables: PlannedFile['tables'];
}

function planned(file: MigrationFile, facts: Facts | null): PlannedFile {
  const { name, rollbackClass, because, transactional, hasDown, up } = file;
  const statements = phasesOf(effectsOf(up.statements));
  const { phase, because: phaseBecause } = filePhase(statements);
  const notAsked = (loss: Loss): CountedLoss => ({ ...withoutSql(loss), rows: null, because: 'no database was asked' });
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
    losses: facts?.losses ?? lossesIn(file).map(notAsked),
    tables: facts?.tables ?? touchedTables(up.statements).map((table) => ({ name: table, rows: null, bytes: null, dependants: null })),
  };
}

const withoutSql = ({ line, kind, what }: Loss): Pick<Loss, 'line' | 'kind' | 'what'> => ({ line, kind, what });

function lossesIn({ up }: MigrationFile): readonly Loss[] {
  const effects = effectsOf(up.statements);
  return effects.flatMap(({ statement, onFresh }) => lossesOf([statement], () => onFresh));
}

async function factsOf(client: pg.Client, file: MigrationFile): Promise<Facts> {
  const losses: CountedLoss[] = [];
  for (const loss of lossesIn(file)) losses.push({ ...withoutSql(loss), ...(await count(client, loss.sql)) });
  return { losses, tables: await lookAtTables(client, touchedTables(file.up.statements)) };
}

async function count(client: pg.Client, sql: string | null): Promise<Pick<CountedLoss, 'rows' | 'because'>> {
  if (sql === null) return { rows: null, because: 'no query tells' };
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${COUNT_WITHIN_MS}`);
  try {
    const { rows } = await client.query<{ rows: number }>(sql);
    return { rows: rows[0]?.rows ?? 0, because: null };
  } catch (error) {
    const refused = serverError(error);
    if (refused === null) throw error;
    // A file before it may make what it needs.
    return { rows: null, because: refused.message };
  } finally {
    await client.query('ROLLBACK');
  }
}
