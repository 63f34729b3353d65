import { messageOf, SlipwayError, type Verdict } from '../kernel/index.ts';
import { compareMeasures } from './core/compare-measures.ts';
import { withHold } from './hold.ts';
import { findDamage } from './manifest.ts';
import { measureDatabase } from './measure.ts';
import type { BackupManifest, BackupMethod, DatabaseAccess, DatabaseEffects, Hold } from './ports.ts';
import { dropSiblings, siblingOf } from './server.ts';

export interface VerifyRequest {
  readonly access: DatabaseAccess;
  readonly manifest: BackupManifest;
  readonly directory: string;
  /** The one that made it. */
  readonly method: BackupMethod;
  /** Of the caller's claim: a worker with a lower one is ended. */
  readonly fence: number;
  readonly effects: DatabaseEffects;
  readonly signal?: AbortSignal;
}

/** `compared` counts what was really compared; zero of both unless a restore took place. */
export interface VerifyResult {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly compared: Compared;
}

export interface Compared {
  readonly tables: number;
  readonly rows: number;
}

const NOTHING: Compared = { tables: 0, rows: 0 };

/**
 * Proves a backup by restoring it into a scratch database beside the real one and comparing every table's row count and the
 * schema. The scratch database is dropped afterwards; after a crash the next call drops it, as its name follows from the key.
 * @returns `fail` when the backup does not bring back what it should, `unknown` when that cannot be found out here
 * @throws SlipwayError `fenced`, `locked`, `release_aborted`
 */
export async function verifyBackup(request: VerifyRequest): Promise<VerifyResult> {
  const { manifest, directory, effects } = request;
  const hindrance = await whyNot(request);
  if (hindrance !== null) return { verdict: 'unknown', reason: hindrance, compared: NOTHING };
  const damage = await findDamage(directory, manifest);
  if (damage !== null) return { verdict: 'fail', reason: damage, compared: NOTHING };
  return withHold({ ...request, purpose: 'backup', key: manifest.key, clock: effects.clock }, (hold) => tryOut(request, hold));
}

async function tryOut({ access, manifest, directory, method, effects }: VerifyRequest, hold: Hold): Promise<VerifyResult> {
  const scratch = siblingOf(access, 'verify', manifest.key, hold.fence);
  const dropAll = (): Promise<void> =>
    hold.session('dropping the scratch database', (client) => dropSiblings(client, access, { purpose: 'verify', key: manifest.key }));
  try {
    await dropAll();
    await method.materialise(hold, manifest, directory, scratch);
    effects.faults.at('verify.materialised');
    return judge(manifest, await measureDatabase(hold, scratch, manifest.schema));
  } catch (error) {
    return failure(error);
  } finally {
    // Left behind it only costs disk, and the next verification of this key drops it; that must not hide the verdict.
    await dropAll().catch((error: unknown) => {
      if (!(error instanceof SlipwayError)) throw error;
    });
  }
}

async function whyNot({ access, manifest, method }: VerifyRequest): Promise<string | null> {
  if (method.name !== manifest.method) return `the backup was made by ${manifest.method}, not by ${method.name}`;
  if (!method.capabilities.canVerify) return 'the backup command has no restore command, so the backup was never tried';
  try {
    const answer = await method.available(access);
    return answer.ok ? null : answer.reason;
  } catch (error) {
    if (error instanceof SlipwayError) return error.message;
    throw error;
  }
}

function judge(manifest: BackupManifest, found: Parameters<typeof compareMeasures>[1]): VerifyResult {
  const differences = compareMeasures(manifest, found);
  const compared = comparedIn(manifest);
  if (differences.length > 0) return { verdict: 'fail', reason: `the restored backup differs: ${differences.join('; ')}`, compared };
  return {
    verdict: 'pass',
    reason: `restored into a scratch database: ${compared.tables} tables with ${compared.rows} rows and the schema are as they were`,
    compared,
  };
}

/** How much there was to compare. */
export function comparedIn(manifest: BackupManifest): Compared {
  const counts = Object.values(manifest.rows);
  return { tables: counts.length, rows: counts.reduce((sum, count) => sum + count, 0) };
}

/** Says nothing about the backup, and a step that gets it thrown knows what it means. */
const NOT_AN_ANSWER: ReadonlySet<string> = new Set(['fenced', 'locked', 'release_aborted', 'disk_full', 'database_unreachable']);

/** A restore that was refused condemns the backup; a missing right says nothing about it. */
function failure(error: unknown): VerifyResult {
  if (!(error instanceof SlipwayError) || NOT_AN_ANSWER.has(error.code)) throw error;
  const condemned = error.code === 'database_refused' && !/right is missing|read-only|permission denied/i.test(error.message);
  return { verdict: condemned ? 'fail' : 'unknown', reason: messageOf(error), compared: NOTHING };
}
