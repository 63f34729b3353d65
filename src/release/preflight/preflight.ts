import { messageOf, SlipwayError, type Check } from '../../kernel/index.ts';
import { mayPass } from '../may-pass.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDeps } from '../steps/deps.ts';
import type { Answer } from './answers.ts';
import { checkCharter, checkCommands, checkEvidence, checkGit, checkReferences } from './source-checks.ts';
import { checkBackfills, checkContract } from './contract-checks.ts';
import { checkBackup, checkDatabase, checkDisk, checkMigrations } from './data-checks.ts';
import { checkFlags } from './flag-checks.ts';
import { checkMetrics } from './metric-checks.ts';
import { checkHealth, checkListen, checkPrevious, checkRollback, checkTarget } from './way-back-checks.ts';

/** One question asked before anything changes. Throwing counts as `unknown`. */
export type PreflightCheck = (deps: StepDeps, plan: Plan) => Promise<Answer>;

/** The answer to one question; `passing` when asking again in a moment may be answered otherwise. */
export interface Asked {
  readonly check: Check;
  readonly passing: boolean;
  /** False for an answer that stands in no release's way, whatever it is. */
  readonly blocks: boolean;
  /** What the answer was put together from; they decide nothing by themselves. */
  readonly parts: readonly Check[];
}

/** Every preflight question by the name under which it can be skipped. */
export const PREFLIGHT: Readonly<Record<string, PreflightCheck>> = {
  charter: checkCharter,
  git: checkGit,
  config: checkReferences,
  commands: checkCommands,
  target: checkTarget,
  listen: checkListen,
  health: checkHealth,
  database: checkDatabase,
  migrations: checkMigrations,
  backfills: checkBackfills,
  contract: checkContract,
  backup: checkBackup,
  disk: checkDisk,
  previous: checkPrevious,
  rollback: checkRollback,
  metrics: checkMetrics,
  flags: checkFlags,
  evidence: checkEvidence,
};

/** Asks all of them. A skipped one is not asked, and its recorded reason stands in its place. */
export async function runPreflight(deps: StepDeps, plan: Plan, skips: Readonly<Record<string, string>>): Promise<readonly Asked[]> {
  return Promise.all(
    Object.entries(PREFLIGHT).map(async ([name, check]): Promise<Asked> => {
      const skip = skips[`preflight.${name}`];
      if (skip !== undefined)
        return { check: { name, verdict: 'pass', reason: `skipped: ${skip}` }, passing: false, blocks: true, parts: [] };
      try {
        const { passing = false, blocks = true, parts = [], ...answer } = await check(deps, plan);
        return { check: { name, ...answer }, passing, blocks, parts };
      } catch (error) {
        const fix = error instanceof SlipwayError ? { fix: error.hint } : {};
        return { check: { name, verdict: 'unknown', reason: messageOf(error), ...fix }, passing: mayPass(error), blocks: true, parts: [] };
      }
    }),
  );
}
