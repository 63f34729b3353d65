import { ERRORS, joinVerdicts } from '../../kernel/index.ts';
import { renderChecks } from '../output/checks.ts';
import { verdictWord } from '../output/style.ts';
import { findPlaces } from '../places.ts';
import { checkAgent, checkKeys, checkStateFiles } from './doctor/state.ts';
import { checkDisk, checkGit, checkNode, checkPostgresTools, checkWritable } from './doctor/machine.ts';
import { checkStore } from './doctor/store.ts';
import { refuseStrangeFolder } from './shared/app.ts';
import type { Handler } from './spec.ts';

/** Looks at everything Slipway needs; says what is wrong and what to do. Repairs nothing. */
export const run: Handler = async (call) => {
  await refuseStrangeFolder(call);
  const { home } = findPlaces(call.directory, call.environment);
  const machine = await Promise.all([checkNode(), checkGit(), checkPostgresTools()]);
  const state = [checkWritable(home), checkDisk(home), checkKeys(home), ...checkStateFiles(home), await checkAgent(home)];
  const checks = [...machine, ...state, ...(await checkStore(call))];
  const verdict = joinVerdicts(checks.map((check) => check.verdict));
  const { terminal } = call;
  if (terminal.json) terminal.data({ home, verdict, checks });
  else
    terminal.say(
      `State directory: ${home}\n${renderChecks(checks, terminal.width, terminal.style)}\n\n${verdictWord(verdict, terminal.style)}`,
    );
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};
