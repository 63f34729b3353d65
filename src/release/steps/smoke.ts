import { join } from 'node:path';
import type { GroupState } from '../../targets/index.ts';
import type { Definition, SmokeDefinition } from '../core/definition.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import { runSmoke } from '../smoke/smoke.ts';
import type { StepDeps } from './deps.ts';
import { printedBy, waitUntilReady } from './group.ts';
import { as, object, text } from './input.ts';

/** Smoke of one group on its own ports, or of the whole service through the address users use. */
export function smokeStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { input } = context.step;
    const version = text(input, 'version');
    const definition = definitionOf(context, version);
    const group = await deps.target.inspect(text(input, 'group'));
    if (group === null) return { verdict: 'fail', reason: `${text(input, 'group')} is not running` };
    const one = { smoke: as<SmokeDefinition>(input['smoke']), definition, version, group };
    if (text(input, 'through') !== 'route') return smokeReady(deps, context, one);
    const { service, environment } = context.plan;
    return throughRouter(deps, `${service}/${environment}`, () =>
      smokeGroup(deps, context, { ...one, bases: [routeBase(as<Listen>(object(input, 'listen')))] }),
    );
  };
}

/**
 * A step before this one saw all instances ready. That none is can be an agent that was started again, which finds them anew: it is
 * given the time that the step has.
 */
async function smokeReady(deps: StepDeps, context: StepContext, one: Omit<GroupSmoke, 'bases'>): Promise<StepOutcome> {
  const { definition, group } = one;
  const bases = groupBases(group, definition);
  if (bases.length > 0 || !listens(definition)) return smokeGroup(deps, context, { ...one, bases });
  const waited = await waitUntilReady(deps.target, group.spec, context);
  const now = await deps.target.inspect(group.spec.id);
  if (waited.verdict !== 'pass' || now === null)
    return { ...waited, verdict: 'fail', reason: `no instance of ${one.version} is ready: ${waited.reason}` };
  return smokeGroup(deps, context, { ...one, group: now, bases: groupBases(now, definition) });
}

function listens({ processes }: Definition): boolean {
  return processes.some((process) => process.port);
}

/**
 * What fails while the router is away says nothing of the version behind it: that is asked again when the router is back.
 * @throws SlipwayError `agent_unreachable` while it is away
 */
export async function throughRouter(deps: StepDeps, route: string, ask: () => Promise<StepOutcome>): Promise<StepOutcome> {
  const began = async (): Promise<number | null> => (await deps.router.stats(route))?.since ?? null;
  const before = await began();
  const outcome = await ask();
  if (outcome.verdict !== 'fail' || (await began()) === before) return outcome;
  return { ...outcome, verdict: 'unknown', reason: `the router was started again meanwhile: ${outcome.reason}`, retry: true };
}

/** Everything needed to smoke one running group. */
export interface GroupSmoke {
  readonly smoke: SmokeDefinition;
  readonly bases: readonly string[];
  readonly definition: Definition;
  readonly version: string;
  readonly group: GroupState;
}

/** Runs a smoke against running instances. A service that should listen and does not is `fail`. */
export async function smokeGroup(deps: StepDeps, context: StepContext, one: GroupSmoke): Promise<StepOutcome> {
  const { definition, bases } = one;
  if (bases.length === 0 && listens(definition)) return { verdict: 'fail', reason: `no instance of ${one.version} is ready` };
  const routed = definition.processes.find((process) => process.routed);
  const outcome = await runSmoke(deps, context, one.smoke, {
    bases,
    database: await deps.databaseFor(context.plan.workspace, definition),
    version: one.version,
    healthPath: routed?.health.kind === 'http' ? routed.health.path : null,
    folder: join(one.group.spec.directory),
    mustRead: definition.listen !== null,
    mustWrite: definition.database !== null,
  });
  const asked = one.group.instances.find(({ process }) => process === routed?.name);
  if (outcome.verdict !== 'fail' || asked === undefined) return outcome;
  // Why it answered as it did is what it may have printed.
  const printed = await printedBy(deps.target, one.group.spec.id, asked, context.note);
  return { ...outcome, facts: { ...outcome.facts, ...printed } };
}

/** Base URLs of the ready instances that take requests. */
export function groupBases(group: GroupState, definition: Definition): readonly string[] {
  const routed = definition.processes.find((process) => process.routed)?.name ?? definition.processes.find((process) => process.port)?.name;
  return group.instances
    .filter((one) => one.process === routed && one.phase === 'ready' && one.port !== null)
    .map((one) => `http://127.0.0.1:${one.port}`);
}

/** The definition a version was released with: the new one's, or the old one's when the old one is smoked. */
export function definitionOf({ plan }: StepContext, version: string): Definition {
  return plan.previous?.version === version && plan.version !== version ? plan.previous.definition : plan.definition;
}

type Listen = NonNullable<Definition['listen']>;

/** Where users reach a service that listens there, asked from this machine. */
export function routeBase({ host, port }: Listen): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
