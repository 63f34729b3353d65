import type { StepKind } from '../core/plan.ts';
import type { StepExecutor } from '../ports.ts';
import { backupStep, restoreStep, verifyBackupStep } from './backup.ts';
import { buildStep } from './build.ts';
import { companionsStep, recallStep } from './companions.ts';
import { commandStep } from './command.ts';
import type { StepDeps } from './deps.ts';
import { evidenceStep } from './evidence.ts';
import { flagsOffStep } from './flags-off.ts';
import { applyGroupStep, removeGroupStep } from './group.ts';
import { judgeStep } from './judge.ts';
import { lintStep } from './lint.ts';
import { migrateDownStep, migrateStep } from './migrate.ts';
import { observeStep } from './observe.ts';
import { ensureDatabaseStep, preflightStep } from './preflight.ts';
import { proveStep } from './prove.ts';
import { rehearseStep } from './rehearse.ts';
import { routeStep } from './route.ts';
import { smokeStep } from './smoke.ts';
import { surfacesStep } from './surfaces.ts';

/** One executor per step kind; a new kind is one file and one line here. */
export function stepExecutors(deps: StepDeps): Readonly<Record<StepKind, StepExecutor>> {
  return {
    'ensure-database': ensureDatabaseStep(deps),
    preflight: preflightStep(deps),
    backup: backupStep(deps),
    'verify-backup': verifyBackupStep(deps),
    build: buildStep(deps),
    command: commandStep(deps),
    route: routeStep(deps),
    'apply-group': applyGroupStep(deps),
    'remove-group': removeGroupStep(deps),
    migrate: migrateStep(deps),
    'migrate-down': migrateDownStep(deps),
    restore: restoreStep(deps),
    smoke: smokeStep(deps),
    rehearse: rehearseStep(deps),
    lint: lintStep(deps),
    prove: proveStep(deps),
    surfaces: surfacesStep(deps),
    judge: judgeStep(deps),
    companions: companionsStep(deps),
    recall: recallStep(deps),
    observe: observeStep(deps),
    'flags-off': flagsOffStep(deps),
    evidence: evidenceStep(deps),
  };
}
