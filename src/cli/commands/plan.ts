import { ERRORS, joinVerdicts, type Check } from '../../kernel/index.ts';
import { runPreflight } from '../../release/index.ts';
import { agentStatus } from '../../server/index.ts';
import { renderPlan } from '../output/plan.ts';
import type { App } from '../compose.ts';
import { withApp } from './shared/app.ts';
import type { Prepared } from './shared/prepare.ts';
import { prepareAll, readReleasable } from './shared/prepare-set.ts';
import type { Handler } from './spec.ts';

/** Shows what a release would do, and asks every preflight question. Changes nothing. */
export const run: Handler = async (call) => {
  const what = await readReleasable(call);
  return withApp(call, async (app) => {
    const plans = await prepareAll(call, app, what);
    const looks = [];
    for (const one of plans) looks.push(await lookAhead(app, one));
    const verdict = joinVerdicts(looks.map((one) => one.verdict));
    const { terminal } = call;
    const documents = looks.map(({ plan, checks, ...one }) => ({ plan, checks, verdict: one.verdict }));
    if (!terminal.json) for (const one of looks) terminal.say(renderPlan(one, terminal.width, terminal.style));
    else for (const one of what.set === null ? documents : [{ set: what.set.name, plans: documents, verdict }]) terminal.data(one);
    return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
  });
};

async function lookAhead(app: App, { plan, skips }: Prepared): Promise<Parameters<typeof renderPlan>[0]> {
  const asked = await runPreflight(app.deps, plan, skips);
  const agent = await agentStatus(app.places.home);
  const checks = asked.map(({ check }) => (agent === null ? withoutAgent(check) : check));
  const advice = new Set(asked.filter(({ blocks }) => !blocks).map(({ check }) => check.name));
  // What only a running agent can answer is asked again by the release, which starts one.
  const deciding = checks.filter(
    (check) => !advice.has(check.name) && !(agent === null && NEEDS_AGENT.has(check.name) && check.verdict === 'unknown'),
  );
  const verdict = joinVerdicts(deciding.map((check) => check.verdict));
  return { plan, checks, verdict, blocking: deciding.filter((check) => check.verdict !== 'pass').map(({ name }) => name) };
}

const NEEDS_AGENT: ReadonlySet<string> = new Set(['target', 'listen', 'health']);

function withoutAgent(check: Check): Check {
  if (!NEEDS_AGENT.has(check.name) || check.verdict !== 'unknown') return check;
  return {
    ...check,
    reason: 'no agent runs here; it will be started by slipway release, which then asks this',
    fix: 'Start it now with `slipway agent start` to know beforehand.',
  };
}
