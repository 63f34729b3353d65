import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  applyMigrations,
  beyondIn,
  beyondInText,
  loadSample,
  planMigrations,
  readMigrations,
  runBackfill,
  schemasOf,
  type DatabaseAccess,
  type FolderRequest,
  type SchemaName,
  type SchemaRecipe,
  type Shadows,
} from '../../database/index.ts';
import { messageOf, SlipwayError, type Effects } from '../../kernel/index.ts';
import { historyOf } from '../artifact/source.ts';
import type { DeclaredBackfill, Proof, ReadyVersion, SchemaProof } from './ports.ts';

/** What schemas are made of. */
export interface SchemaSource {
  readonly shadows: Shadows;
  readonly old: ReadyVersion;
  readonly new: ReadyVersion;
  readonly backfills: readonly DeclaredBackfill[];
  /** Those of the old version: one that is over may be declared still, although what it worked on is gone. */
  readonly earlier: readonly DeclaredBackfill[];
  readonly effects: Effects;
  /** What reaches beyond the database is run too. */
  readonly beyond: boolean;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** The schemas, and the databases that hold those which could be made. */
export interface MadeSchemas {
  readonly proofs: readonly SchemaProof[];
  readonly databases: Readonly<Partial<Record<SchemaName, DatabaseAccess>>>;
  readonly sample: Proof['sample'];
  /** Backfills that found no row to change: what they do, no cell shows. */
  readonly idle: readonly string[];
}

/**
 * Makes each schema by doing what a release would: all migrations of the old version, then the sample data, then what is pending.
 * One that is the same as the one before is not made; one that cannot be made makes the later ones unknown.
 */
export async function makeSchemas(source: SchemaSource): Promise<MadeSchemas> {
  const base = await source.shadows.make('old');
  const begun = await made(async () => beginOld(source, base));
  if (!begun.ok) return { proofs: allUnknown(begun.why), databases: {}, sample: null, idle: [] };
  const { recipes, sample, told } = begun.value;
  const databases: Partial<Record<SchemaName, DatabaseAccess>> = { old: base };
  const proofs: SchemaProof[] = [];
  const idle: string[] = [];
  let below = base;
  for (const recipe of recipes) {
    const { schema } = recipe;
    const known = schema === 'old' ? { verdict: 'pass' as const, reason: told } : withoutWork(recipe, proofs);
    if (known === null) {
      const database = await source.shadows.make(schema, below);
      const grown = await made(() => grow({ ...source, idle }, recipe, database));
      if (grown.ok) databases[schema] = below = database;
      proofs.push({ ...recipe, verdict: grown.ok ? 'pass' : 'unknown', reason: grown.ok ? grown.value : grown.why });
    } else proofs.push({ ...recipe, ...known });
    source.note(`schema ${schema}: ${proofs.at(-1)?.reason ?? ''}`);
  }
  return { proofs, databases, sample, idle };
}

/** The answer for a schema that need not, or cannot, be made; null for one that is to be made. */
function withoutWork({ unclear, sameAs }: SchemaRecipe, before: readonly SchemaProof[]): Pick<SchemaProof, 'verdict' | 'reason'> | null {
  const broken = before.find(({ verdict }) => verdict !== 'pass');
  if (unclear !== null) return { verdict: 'unknown', reason: unclear };
  if (broken !== undefined) return { verdict: 'unknown', reason: `${broken.schema} could not be made: ${broken.reason}` };
  return sameAs === null ? null : { verdict: 'pass', reason: `the same as ${sameAs}: nothing is done on top of it` };
}

/** The old schema with the sample data, and what is to be done on top of it. */
async function beginOld(source: SchemaSource, database: DatabaseAccess) {
  const { old, backfills } = source;
  const folder = old.definition.database?.migrations ?? null;
  await allowExtensions(source, database);
  const replayed = folder === null ? 'the old version has no migrations' : await apply(source, old, database);
  const sample = await sampleOf(source);
  if (sample !== null) {
    refuseBeyond(sample.about.file, source.beyond ? null : await beyondInText(sample.sql));
    await loadSample(database, sample.sql);
  }
  const filled = await earlierBackfills(source, database);
  const target = migrationsOf(source.new);
  const { files, drift } = await planMigrations(database, target);
  if (drift.length > 0) throw new SlipwayError('not_possible_now', `the migrations of the two versions disagree: ${drift.join('; ')}`);
  return {
    recipes: schemasOf(
      files,
      backfills.map(({ definition }) => definition.name),
    ),
    sample: sample === null ? null : sample.about,
    told: [replayed, ...(sample === null ? [] : [`${sample.about.file} of the ${sample.about.of} version is loaded`]), ...filled].join(
      '; ',
    ),
  };
}

/** What the version that serves requires was done before it was released. The others may be anywhere, or never begun. */
async function earlierBackfills(source: SchemaSource, database: DatabaseAccess): Promise<readonly string[]> {
  const told: string[] = [];
  for (const one of source.earlier.filter(({ definition }) => definition.required)) {
    const outcome = await made(() => fillRows(source, one, database));
    told.push(
      outcome.ok
        ? filledText(one, outcome.value)
        : `the backfill ${one.definition.name}, which the old version requires, does not run here: ${outcome.why}`,
    );
  }
  return told;
}

/** Of both versions: each schema is a copy of the one before. */
async function allowExtensions({ shadows, old, new: next }: SchemaSource, database: DatabaseAccess): Promise<void> {
  for (const version of [old, next]) {
    if ((version.definition.database?.migrations ?? null) === null) continue;
    const { files } = await readMigrations(migrationsOf(version));
    await shadows.allow(database, files.flatMap(({ up }) => up.statements.map(({ text }) => text)).join(';\n'));
  }
}

/** The old version's own file fits its schema; the new one's is taken where the old version had none. */
async function sampleOf({ old, new: next }: SchemaSource) {
  for (const [of, { definition, folder }] of [['old', old] as const, ['new', next] as const]) {
    const file = definition.database?.sample;
    if (file === undefined) continue;
    const bytes = await readFile(join(folder, file)).catch((cause: unknown) => {
      throw new SlipwayError('not_found', `the sample data ${file} cannot be read: ${messageOf(cause)}`, { cause });
    });
    const about = { file, of, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    return { sql: bytes.toString('utf8'), about };
  }
  return null;
}

interface Growing extends SchemaSource {
  readonly idle: string[];
}

async function grow(source: Growing, { files, backfills }: SchemaRecipe, database: DatabaseAccess): Promise<string> {
  const told: string[] = [];
  if (files.length > 0) told.push(await apply(source, source.new, database, files));
  for (const one of source.backfills.filter(({ definition }) => backfills.includes(definition.name))) {
    const outcome = await made(() => fillRows(source, one, database));
    const stale = !outcome.ok && source.earlier.some((other) => JSON.stringify(other.definition) === JSON.stringify(one.definition));
    if (!outcome.ok && !stale) throw new SlipwayError('not_possible_now', `the backfill ${one.definition.name}: ${outcome.why}`);
    // What the old version required was done before.
    const before = source.earlier.some(({ definition }) => definition.required && definition.name === one.definition.name);
    if (outcome.ok && outcome.value === 0 && !before) source.idle.push(one.definition.name);
    told.push(
      outcome.ok
        ? filledText(one, outcome.value)
        : `the backfill ${one.definition.name}, which the old version has too, does not run here: ${outcome.why}`,
    );
  }
  return told.join('; ');
}

const filledText = ({ definition }: DeclaredBackfill, changed: number): string => `the backfill ${definition.name} changed ${changed} rows`;

/** @returns how many rows it changed */
async function fillRows(source: SchemaSource, { definition, folder }: DeclaredBackfill, access: DatabaseAccess): Promise<number> {
  const { effects, signal } = source;
  if (!source.beyond) for (const sql of sqlOf(definition)) refuseBeyond(`the backfill ${definition.name}`, await beyondInText(sql));
  const { verdict, reason, changed } = await runBackfill({
    // Nobody works here whom it could disturb.
    definition: { ...definition, limits: { ...definition.limits, nice: 0, health: UNBOUNDED } },
    access,
    folder,
    workers: 1,
    effects,
    signal,
  });
  if (verdict !== 'pass') throw new SlipwayError('not_possible_now', reason);
  return changed;
}

/** The SQL of a backfill, as statements. */
function sqlOf({ where, change, verify }: DeclaredBackfill['definition']): readonly string[] {
  const values = change.kind === 'set' ? Object.values(change.columns) : [];
  const statement = change.kind === 'statement' ? [change.sql.replaceAll('${batch}', 'SELECT 1')] : [];
  return [...[where, ...values].map((expression) => `SELECT (${expression})`), ...statement, ...(verify === null ? [] : [verify])];
}

const UNBOUNDED = {
  lockWaiters: Infinity,
  activeSessions: Infinity,
  replicaLagMs: Infinity,
  replicaLagBytes: Infinity,
  keptWalBytes: Infinity,
  deadRows: Infinity,
  latency: Infinity,
  freeDiskBytes: 0,
  transactionAge: Infinity,
};

async function apply(source: SchemaSource, of: ReadyVersion, access: DatabaseAccess, only?: readonly string[]): Promise<string> {
  const { database } = of.definition;
  if (!source.beyond) await refuseFilesBeyond(of, only);
  const { verdict, reason } = await applyMigrations({
    access,
    directory: migrationsOf(of).directory,
    thrownAway: true,
    ...historyOf(database),
    release: 'db prove',
    fence: 1,
    lockTimeoutMs: database?.lockTimeoutMs ?? 100,
    statementTimeoutMs: database?.statementTimeoutMs ?? 0,
    effects: source.effects,
    signal: source.signal,
    onProgress: source.note,
    ...(only === undefined ? {} : { only }),
  });
  if (verdict !== 'pass') throw new SlipwayError('not_possible_now', reason);
  return reason;
}

/** On a server that was named they would be run with the rights of its user, and no removed database would take that back. */
async function refuseFilesBeyond(of: ReadyVersion, only: readonly string[] | undefined): Promise<void> {
  const { files } = await readMigrations(migrationsOf(of));
  for (const { name, up } of files) if (only === undefined || only.includes(name)) refuseBeyond(name, await beyondIn(up.statements, ''));
}

function refuseBeyond(what: string, found: Awaited<ReturnType<typeof beyondIn>>): void {
  if (found === null) return;
  const how = 'set the server up outside of the migrations, or say --beyond with a --server that is thrown away';
  throw new SlipwayError('not_possible_now', `${what} is not run here: line ${found.line}: ${found.why}; ${how}`);
}

function migrationsOf({ folder, definition, version }: ReadyVersion): FolderRequest {
  const migrations = definition.database?.migrations ?? '';
  return { directory: join(folder, migrations), shown: `${migrations} of ${version}`, ...historyOf(definition.database) };
}

type Made<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** What a schema could not be made for is the answer of its cells; only a bug of ours ends the run. */
async function made<T>(work: () => Promise<T>): Promise<Made<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code === 'database_unreachable') throw error;
    return { ok: false, why: error.message };
  }
}

function allUnknown(why: string): readonly SchemaProof[] {
  const unclear = `the old schema could not be made: ${why}`;
  return schemasOf([], []).map((recipe) => ({ ...recipe, sameAs: null, unclear, verdict: 'unknown', reason: why }));
}
