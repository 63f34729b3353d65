import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { joinVerdicts, messageOf, type Check } from '../../kernel/index.ts';
import type { StepLog } from '../core/events.ts';
import type { StepExecutor } from '../ports.ts';
import { stepLogFolder } from '../step-log.ts';
import type { StepDeps } from './deps.ts';

/** Before a release may be called released: every raw log is there with the digest the ledger has, and a pack can be signed. */
export function evidenceStep(deps: StepDeps): StepExecutor {
  return async ({ events, plan }) => {
    const folder = stepLogFolder(deps.home, plan.release);
    const logs = events.flatMap((event) => (event.type === 'step.finished' && event.data.log !== null ? [event.data.log] : []));
    const checks: Check[] = [];
    for (const log of logs) checks.push(await checkLog(folder, log));
    checks.push(await checkKeys(deps));
    const bad = checks.filter((check) => check.verdict !== 'pass');
    return {
      verdict: joinVerdicts(checks.map((check) => check.verdict)),
      reason:
        bad.length === 0
          ? `${logs.length} raw logs agree with the ledger, the signing keys are there`
          : bad.map((check) => check.reason).join('; '),
      checks: bad,
    };
  };
}

async function checkLog(folder: string, log: StepLog): Promise<Check> {
  try {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, log.name)), hash);
    const same = hash.digest('hex') === log.sha256;
    return {
      name: log.name,
      verdict: same ? 'pass' : 'fail',
      reason: same ? 'agrees with the ledger' : `${log.name} was changed after it was recorded`,
    };
  } catch (error) {
    return { name: log.name, verdict: 'fail', reason: `${log.name} cannot be read: ${messageOf(error)}` };
  }
}

async function checkKeys(deps: StepDeps): Promise<Check> {
  try {
    await deps.checkKeys();
    return { name: 'signing keys', verdict: 'pass', reason: 'they can be read' };
  } catch (error) {
    return { name: 'signing keys', verdict: 'fail', reason: messageOf(error) };
  }
}
