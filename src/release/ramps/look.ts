import { silent, type MetricSource, type Question } from '../../analysis/index.ts';
import { messageOf, type JsonObject } from '../../kernel/index.ts';
import { dueOf, type Answer } from '../core/canary-sources.ts';
import type { NewRampEvent } from '../core/ramps/events.ts';
import { declaredBy, lookAtGate } from '../core/ramps/gate.ts';
import type { About, RampPlan } from '../core/ramps/ramp.ts';
import type { RampState } from '../core/ramps/state.ts';
import { openSource } from '../metric-sources.ts';
import { lastVersion } from '../previous.ts';
import { createRouterSource } from '../router-source.ts';
import type { StepDeps } from '../steps/deps.ts';
import { as } from '../steps/input.ts';

/** Beyond a source's own time limit: none may hold a look for ever. */
const SPARE_MS = 5_000;

/** One look at the gate: those sources whose turn it is are asked side by side, each within its own time. */
export function gateLook(deps: StepDeps): (state: RampState, signal: AbortSignal) => Promise<NewRampEvent> {
  return async (state, signal) => {
    const { plan, memory } = state;
    const at = await deps.flags.now();
    const due = dueOf(declaredBy(plan.gate), memory, at);
    const questions = await questionsOf(deps, plan, state.plan.variant);
    const answers = await Promise.all(due.map((name) => ask(deps, plan, { name, questions, signal })));
    const asked = { ...memory, askedAt: { ...memory.askedAt, ...Object.fromEntries(due.map((name) => [name, at])) } };
    const look = lookAtGate(state, asked, { answers, at: await deps.flags.now() });
    return { type: 'step.looked', data: as<typeof look>(as<JsonObject>(look as never)) };
  };
}

type Questions = Readonly<Record<About, Question | null>>;

/** The service: the version that serves, against itself. The variant: those who have it against those who do not. */
async function questionsOf(deps: StepDeps, { service, environment, flag }: RampPlan, variant: string): Promise<Questions> {
  const serving = await lastVersion(deps, service, environment);
  const group = serving?.group ?? `${service}/${environment}`;
  const { set } = await deps.flags.read(environment);
  const off = Object.hasOwn(set.flags, flag) ? (set.flags[flag]?.off ?? 'off') : 'off';
  const place = { service, environment };
  const one = serving === null ? null : { version: serving.version, group };
  return {
    service: one === null ? null : { ...place, canary: one, stable: one },
    variant: { ...place, canary: { version: variant, group }, stable: { version: off, group } },
  };
}

interface Asking {
  readonly name: string;
  readonly questions: Questions;
  readonly signal: AbortSignal;
}

async function ask(deps: StepDeps, plan: RampPlan, { name, questions, signal }: Asking): Promise<Answer> {
  const opened = await sourceOf(deps, plan, name);
  const question = questions[opened.about];
  if (question === null) return { name, reading: silent(`nothing of ${plan.service} was released in ${plan.environment} yet`) };
  const late = AbortSignal.any([signal, AbortSignal.timeout(opened.timeoutMs + SPARE_MS)]);
  // A source never throws; one that does has a bug, which must not widen anything.
  return { name, reading: await opened.source.read(question, late).catch((error: unknown) => silent(messageOf(error))) };
}

interface Opened {
  readonly source: MetricSource;
  readonly about: About;
  readonly timeoutMs: number;
}

async function sourceOf(deps: StepDeps, plan: RampPlan, name: string): Promise<Opened> {
  const declared = [...plan.gate.metrics, ...plan.gate.guards].find((one) => one.name === name);
  if (declared === undefined) {
    const route = `${plan.service}/${plan.environment}`;
    return { source: createRouterSource(deps.router, route, 'errors'), about: 'service', timeoutMs: 5_000 };
  }
  const whose = { workspace: plan.workspace, envFile: plan.envFile, release: plan.ramp, version: plan.variant };
  const source = await openSource(deps, whose, { source: declared.source, cwd: plan.workspace });
  return { source, about: declared.about, timeoutMs: declared.source.timeoutMs };
}
