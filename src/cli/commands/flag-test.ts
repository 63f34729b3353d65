import { loadFlags } from '../../config/index.ts';
import { testFiles } from '../../flags/index.ts';
import { ERRORS, type Verdict } from '../../kernel/index.ts';
import { renderFlagTests } from '../output/flag-test.ts';
import { refuseProblems } from './shared/flag-files.ts';
import { environmentName } from './shared/flags.ts';
import { text, type Handler } from './spec.ts';

/** Checks the assertions of the files. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const given = text(call, 'env');
  const loaded = await loadFlags(call.directory);
  const { results, problems } = testFiles(loaded.files, given === undefined ? null : environmentName(given), call.args[0] ?? null);
  const [first] = problems;
  if (first !== undefined)
    refuseProblems(
      loaded,
      first.environment,
      problems.filter((one) => one.environment === first.environment),
    );
  const failed = results.some((result) => result.verdict === 'fail');
  const verdict: Verdict = failed ? 'fail' : results.length === 0 ? 'unknown' : 'pass';
  if (terminal.json) terminal.data({ verdict, results });
  else terminal.say(renderFlagTests(results, verdict, terminal.style));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};
