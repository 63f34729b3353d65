import { joinVerdicts, type Check } from '../../kernel/index.ts';
import type { DatabaseAccess } from '../../database/index.ts';
import type { HttpCheck, SmokeCheck, SmokeDefinition } from '../core/definition.ts';
import type { SmokeContext, StepOutcome } from '../ports.ts';
import { runUserCommand, outcomeOf } from '../steps/command.ts';
import type { StepDeps } from '../steps/deps.ts';
import { httpCheck, type Asked } from './http-check.ts';
import { sqlCheck } from './sql-check.ts';

/** Where a smoke asks its questions. */
export interface SmokeTarget {
  /** Base URLs; reads go to each of them, writes to the first. */
  readonly bases: readonly string[];
  readonly database: DatabaseAccess | null;
  readonly version: string;
  /** Path of the health endpoint that names the version; null when there is none. */
  readonly healthPath: string | null;
  /** Folder commands run in. */
  readonly folder: string;
  /** False for a service that users do not reach: it may have nothing to read. */
  readonly mustRead: boolean;
  /** False for a service without a database: it may have nothing to write. */
  readonly mustWrite: boolean;
}

const RETRY_MS = 200;
/** Before an answer that looks final is asked for a second time, and then believed. */
const CONFIRM_MS = 1_000;

/**
 * Asks the smoke questions: expected version, read path, write path and background work, each with its own verdict, and again for
 * as long as it may take; an answer that looks final only once more.
 * A group of questions that has none is `unknown` where it is required, and `unknown` does not pass.
 */
export async function runSmoke(
  deps: Pick<StepDeps, 'environmentFor'>,
  context: SmokeContext,
  smoke: SmokeDefinition,
  target: SmokeTarget,
): Promise<StepOutcome> {
  const environment = await deps.environmentFor(context.plan.workspace, context.plan.definition.envFile);
  const { clock } = context.effects;
  const within = clock.monotonic() + smoke.withinMs;
  const until = async (check: SmokeCheck, base: string): Promise<Check> => {
    for (let decided = false; ;) {
      const asked = await askOnce(deps, context, { check, base, environment, target });
      // A write is not repeated: a second try could leave a second residue.
      // On the way back users have nobody else: giving up costs more than waiting.
      const believed = decided && asked.decided && context.step.stage !== 'rollback';
      const over = asked.check.verdict === 'pass' || isWrite(check) || believed;
      if (over || clock.monotonic() >= within || context.signal.aborted) return asked.check;
      decided = asked.decided;
      await clock.sleep(decided ? CONFIRM_MS : RETRY_MS, context.signal);
    }
  };
  const checks: Check[] = [];
  const version = smoke.expectVersion && target.healthPath !== null ? [versionCheck(target.healthPath, target.version)] : [];
  // Without an address a declared question is still asked: SQL and commands need none, and an HTTP check must then fail.
  const bases = target.bases.length === 0 ? [''] : target.bases;
  for (const base of bases) for (const check of [...version, ...smoke.read]) checks.push(await until(check, base));
  const first = bases[0] ?? '';
  for (const check of smoke.write) checks.push(await until(check, first));
  for (const check of smoke.worker) checks.push(await until(check, first));
  const missing = missingChecks(smoke, target, checks);
  const all = [...checks, ...missing];
  const verdict = joinVerdicts(all.map((check) => check.verdict));
  const bad = all.filter((check) => check.verdict !== 'pass');
  return {
    verdict,
    reason: bad.length === 0 ? `${all.length} checks passed` : bad.map((check) => `${check.name}: ${check.reason}`).join('; '),
    checks: all,
  };
}

function isWrite(check: SmokeCheck): boolean {
  return check.kind === 'http' && check.method !== 'GET' && check.method !== 'HEAD';
}

/** Questions that were required and never asked. */
function missingChecks(smoke: SmokeDefinition, target: SmokeTarget, checks: readonly Check[]): readonly Check[] {
  const missing: Check[] = [];
  if (checks.length === 0)
    missing.push({ name: 'smoke', verdict: 'unknown', reason: 'nothing was checked', fix: 'Declare checks under smoke: in slipway.yaml.' });
  if (target.mustRead && smoke.read.length === 0 && smoke.noReads === null)
    missing.push({
      name: 'read path',
      verdict: 'unknown',
      reason: 'users reach the service, but no read check is declared',
      fix: 'Add one under smoke.read, or say why there is nothing to read with { none: "why" }.',
    });
  if (target.mustWrite && smoke.write.length === 0 && smoke.noWrites === null)
    missing.push({
      name: 'write path',
      verdict: 'unknown',
      reason: 'the service has a database, but no write check is declared',
      fix: 'Add one under smoke.write, with a cleanup.',
    });
  return missing;
}

function versionCheck(path: string, version: string): HttpCheck {
  return {
    kind: 'http',
    name: 'version',
    method: 'GET',
    path,
    headers: {},
    body: null,
    expectStatus: [200],
    expectJson: { version },
    timeoutMs: 5_000,
    cleanup: null,
  };
}

interface Question {
  readonly check: SmokeCheck;
  readonly base: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly target: SmokeTarget;
}

async function askOnce(
  deps: Pick<StepDeps, 'environmentFor'>,
  context: SmokeContext,
  { check, base, environment, target }: Question,
): Promise<Asked> {
  switch (check.kind) {
    case 'http':
      return httpCheck(check, base, environment, context.signal);
    case 'sql':
      return { check: await sqlCheck(check, target.database, target.version), decided: false };
    case 'command': {
      const extra = { SLIPWAY_SMOKE_URL: base, ...(target.database === null ? {} : { DATABASE_URL: target.database.url }) };
      const outcome = outcomeOf(check.command, await runUserCommand(deps, context, check.command, { cwd: target.folder, extra }));
      return { check: { name: check.name, verdict: outcome.verdict, reason: outcome.reason }, decided: false };
    }
  }
}
