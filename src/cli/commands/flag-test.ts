import { testedEnvironments, testFiles, type FlagFiles } from '../../flags/index.ts';
import { ERRORS, type Verdict } from '../../kernel/index.ts';
import { renderFlagTests } from '../output/flag-test.ts';
import { soundFlags } from './shared/flag-files.ts';
import { environmentName } from './shared/flags.ts';
import { text, type Handler } from './spec.ts';

/** Checks the assertions of the files. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const named = text(call, 'env');
  const given = named === undefined ? null : environmentName(named);
  const environments = (files: FlagFiles): readonly string[] => (given === null ? testedEnvironments(files) : [given]);
  const { files } = await soundFlags(call, environments, null);
  const results = testFiles(files, environments(files), call.args[0] ?? null);
  const failed = results.some((result) => result.verdict === 'fail');
  const verdict: Verdict = failed ? 'fail' : results.length === 0 ? 'unknown' : 'pass';
  if (terminal.json) terminal.data({ verdict, results });
  else terminal.say(renderFlagTests(results, verdict, terminal.style));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};
