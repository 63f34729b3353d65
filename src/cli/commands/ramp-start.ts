import {
  parseSteps,
  alreadyOn,
  askedOfService,
  gateOf,
  RAMP_RULE,
  USUAL_EVERY_MS,
  whyNot,
  type RampDeclaration,
  type RampPlan,
} from '../../release/index.ts';
import { flagOf, refuseKilled, ruleChange, type Flag, type FlagStore } from '../../flags/index.ts';
import { SlipwayError, toIso } from '../../kernel/index.ts';
import { loadRamp } from '../../config/index.ts';
import type { App } from '../compose.ts';
import { makeHome } from '../places.ts';
import { rampView, renderRamp } from '../output/ramps.ts';
import { actorOf, configOf, withAppNow } from './shared/app.ts';
import { ensureDriver } from './shared/driver.ts';
import { newestRamp } from './shared/ramps.ts';
import { text, type Call, type Handler } from './spec.ts';

/** Records a ramp for the worker to drive. */
export const run: Handler = async (call) => {
  const declared = await declarationOf(call);
  const { definition } = await configOf(call).catch(refuseMissing);
  const gate = gateOf(declared, definition);
  if (typeof gate === 'string') throw new SlipwayError('usage', `The ramp of ${declared.flag} is not started: ${gate}`, { hint: HINT });
  return withAppNow(call, async (app) => {
    const { opened, effects, places, secrets } = app;
    await secrets.environmentFor(places.workspace, definition.envFile).catch(() => undefined);
    const { environment, service, envFile } = definition;
    const plan: RampPlan = {
      schema: 'slipway.ramp/1',
      ramp: effects.ids.release(effects.clock.now()),
      name: text(call, 'file') ?? null,
      service,
      environment,
      flag: declared.flag,
      variant: declared.variant,
      internal: declared.internal,
      steps: declared.steps,
      gate,
      everyMs: declared.everyMs,
      node: places.node,
      workspace: places.workspace,
      envFile,
      revision: await rampableRevision(app, environment, declared),
      startedBy: actorOf(call.environment),
      reason: effects.redact(text(call, 'reason')?.trim() ?? ''),
    };
    await refuseUnjudged(app, plan);
    // Of the agent that drives it: a ramp that nobody can drive is not recorded.
    makeHome(places.home);
    await opened.ramps.start(plan);
    await ensureDriver(call, app, 'auto');
    const state = await newestRamp(app, environment, declared.flag);
    if (call.terminal.json) call.terminal.data(rampView(state));
    else call.terminal.say(renderRamp(state, effects.clock.now(), call.terminal.style));
    return 0;
  });
};

/** Flags need no slipway.yaml, so that who ramps one may have none. */
function refuseMissing(error: unknown): never {
  if (!(error instanceof SlipwayError) || error.code !== 'config_missing') throw error;
  throw new SlipwayError('config_missing', `${error.message}: a ramp needs it, since it says how the service is judged`, {
    hint: 'Use -C with the folder of the service, or run `slipway init` to write a slipway.yaml.',
    cause: error,
  });
}

const HINT = 'docs/flags/ramps.md shows what a gate can ask.';

async function declarationOf(call: Call): Promise<RampDeclaration> {
  const [key] = call.args;
  const [file, steps] = [text(call, 'file'), text(call, 'steps')];
  if ((text(call, 'reason')?.trim() ?? '') === '')
    throw new SlipwayError('usage', 'A ramp needs a reason', { hint: 'Say why, in a few words: --reason "...".' });
  if (file !== undefined) {
    if (key !== undefined || steps !== undefined)
      throw new SlipwayError('usage', '--file says which flag and which steps; leave the others out');
    return loadRamp(call.directory, file);
  }
  if (key === undefined || steps === undefined)
    throw new SlipwayError('usage', 'Name a flag and its steps, or a file of the folder ramps', {
      hint: "slipway ramp start KEY --steps 'off, internal, 1% for 24h, 100%', or slipway ramp start --file NAME.",
    });
  const parsed = parseSteps(steps.split(','));
  if (typeof parsed === 'string') throw new SlipwayError('usage', `--steps: ${parsed}`);
  const [variant = 'on', internal = null] = [text(call, 'variant'), text(call, 'internal')];
  return { flag: key, variant, internal, steps: parsed, threshold: null, metrics: [], guards: [], everyMs: USUAL_EVERY_MS };
}

/** A gate that asks about a version that is not there says `unknown` for ever: the ramp would stand at its first step. */
async function refuseUnjudged({ opened }: App, { service, environment, flag, gate }: RampPlan): Promise<void> {
  const asked = askedOfService(gate);
  if (asked.length === 0 || (await opened.store.lastServing(service, environment)) !== null) return;
  const why = `no version of ${service} serves in ${environment}, and its gate asks about that: ${asked.join(', ')}`;
  throw new SlipwayError('not_possible_now', `The ramp of ${flag} is not started: ${why}`, {
    hint: 'Release the service there first, or declare metrics or guards about the variant in ramps/NAME.yaml, and take those about the service out of slipway.yaml.',
  });
}

/** The flag's revision. @throws SlipwayError when the flag cannot be ramped so */
async function rampableRevision({ opened }: App, environment: string, declared: RampDeclaration): Promise<number> {
  const stored = await opened.flags.read(environment);
  const { flag, revision } = flagOf(stored, declared.flag);
  await refuseKilled(opened.flags, stored.set, [{ kind: 'flag', key: declared.flag, after: { ...flag, enabled: true } }]);
  const on = alreadyOn(flag, declared.variant) ? `it gives "${declared.variant}" to people already; turn it off first` : null;
  const taken = await rulePutAside(opened.flags, { environment, key: declared.flag, flag });
  const why = whyNot(flag, declared, declared.steps, Object.keys(stored.set.segments)) ?? on ?? taken;
  if (why === null) return revision;
  throw new SlipwayError('not_possible_now', `${declared.flag} in ${environment} cannot be ramped: ${why}`, {
    hint: `See it with \`slipway flag show ${declared.flag} --env ${environment}\`.`,
  });
}

/** A rule that an earlier ramp left is taken over by the next one; one that a person wrote under its name would be lost. */
async function rulePutAside(
  flags: FlagStore,
  { environment, key, flag }: { readonly environment: string; readonly key: string; readonly flag: Flag },
): Promise<string | null> {
  if (!flag.rules.some(({ name }) => name === RAMP_RULE)) return null;
  const change = await ruleChange(flags, { environment, key }, RAMP_RULE);
  if (change?.action === 'ramp') return null;
  const who = change === null ? 'somebody' : `${change.actor} at ${toIso(change.at)}`;
  return `its rule "${RAMP_RULE}" was written by ${who}, and the ramp keeps one of that name: give it another name, or remove it (\`slipway flag target ${key} -e ${environment} --remove ${RAMP_RULE}\`)`;
}
