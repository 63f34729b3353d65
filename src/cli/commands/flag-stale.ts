import { findStale, scanRepository, type FoundCode, type StaleReport } from '../../flags/index.ts';
import { ERRORS, parseDuration, SlipwayError, toIso, type Duration } from '../../kernel/index.ts';
import { answer } from '../output/as-is.ts';
import { renderStale } from '../output/flag-stale.ts';
import { withAppNow } from './shared/app.ts';
import { environmentOf } from './shared/flags.ts';
import { flag, many, text, type Call, type Handler } from './spec.ts';

const USUAL_MS = 14 * 86_400_000;

/** Says which flags may go, and which the code asks for in vain. */
export const run: Handler = async (call) => {
  const environment = environmentOf(call);
  const afterMs = afterOf(call);
  if (flag(call, 'strict') && many(call, 'failOn').length === 0)
    throw new SlipwayError('usage', '--strict says what else fails; name what fails with --fail-on');
  return withAppNow(call, async ({ opened }) => {
    const { terminal } = call;
    const deps = { store: opened.flags, telemetry: opened.telemetry };
    const report = await findStale(deps, { environment, afterMs, code: (known) => codeIn(call.directory, known) });
    const failed = failures(report, new Set(many(call, 'failOn')), flag(call, 'strict'));
    answer(terminal, documentOf(report, afterMs, failed), () => renderStale(report, failed, terminal.style));
    return failed.length === 0 ? 0 : ERRORS.gate_blocked.exit;
  });
};

function afterOf(call: Call): Duration {
  const given = text(call, 'after');
  if (given === undefined) return USUAL_MS;
  const time = parseDuration(given);
  if (time !== null && time > 0) return time;
  throw new SlipwayError('usage', `--after ${given}: a length of time is needed, such as 14d`);
}

/** A folder without a repository is no reason to refuse: the other questions need none. */
async function codeIn(folder: string, known: ReadonlySet<string>): Promise<FoundCode> {
  try {
    return await scanRepository(folder, known);
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'not_possible_now') return { why: 'this folder is no git repository' };
    throw error;
  }
}

/** Reasons for which the command fails: those asked for that were found. */
function failures({ flags, dangling }: StaleReport, asked: ReadonlySet<string>, strict: boolean): readonly string[] {
  const found = flags.flatMap(({ checks }) =>
    checks.filter(({ verdict }) => verdict === 'fail' || (strict && verdict === 'unknown')).map(({ name }): string => name),
  );
  const all = new Set([...found, ...(dangling.length > 0 ? ['no-flag'] : [])]);
  return [...all].filter((name) => asked.has(name) || asked.has('any'));
}

function documentOf({ environment, seq, at, flags, dangling }: StaleReport, afterMs: Duration, failed: readonly string[]): object {
  return {
    environment,
    seq,
    at: toIso(at),
    after: afterMs,
    failed,
    flags: flags.map(({ key, flag: { about, type }, verdict, checks, madeAt, fixed }) => ({
      key,
      owner: about.owner,
      type,
      verdict,
      checks,
      madeAt: madeAt === null ? null : toIso(madeAt),
      fixed: fixed && { ...fixed, since: toIso(fixed.since) },
    })),
    dangling,
  };
}
