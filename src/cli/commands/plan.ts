import { ERRORS, joinVerdicts, type Check } from '../../kernel/index.ts';
import { runPreflight } from '../../release/index.ts';
import { agentStatus } from '../../server/index.ts';
import { renderPlan } from '../output/plan.ts';
import { loadSet } from '../../config/index.ts';
import type { App } from '../compose.ts';
import { withApp } from './shared/app.ts';
import { prepare, type Prepared } from './shared/prepare.ts';
import { prepareSet } from './shared/release-set.ts';
import type { Call, Handler } from './spec.ts';

/** Shows what a release would do, and asks every preflight question. Changes nothing. */
export const run: Handler = async (call) => {
  const set = call.config === null ? await loadSet(call.directory) : null;
  return withApp(call, async (app) => {
    if (set === null) return show(call, app, await prepare(call, app));
    const exits = [];
    for (const one of await prepareSet(call, app, set)) exits.push(await show(call, app, one));
    return Math.max(...exits);
  });
};

async function show({ terminal }: Call, app: App, { plan, skips }: Prepared): Promise<number> {
  const asked = await runPreflight(app.deps, plan, skips);
  const agent = await agentStatus(app.places.home);
  const checks = asked.map(({ check }) => (agent === null ? withoutAgent(check) : check));
  const advice = new Set(asked.filter(({ blocks }) => !blocks).map(({ check }) => check.name));
  // What only a running agent can answer is asked again by the release, which starts one.
  const deciding = checks.filter(
    (check) => !advice.has(check.name) && !(agent === null && NEEDS_AGENT.has(check.name) && check.verdict === 'unknown'),
  );
  const verdict = joinVerdicts(deciding.map((check) => check.verdict));
  if (terminal.json) terminal.data({ plan, checks, verdict });
  else {
    const blocking = deciding.filter((check) => check.verdict !== 'pass').map(({ name }) => name);
    terminal.say(renderPlan({ plan, checks, verdict, blocking }, terminal.width, terminal.style));
  }
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
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
