import { ERRORS, addTick, checkGuard, judgementOf, type Reading, type Tick } from '../../../analysis/pure.ts';
import { joinVerdicts, type Check, type Instant, type Verdict } from '../../../kernel/pure.ts';
import { sayWhySilent, takeAnswers, type Answer, type Declared, type SourceMemory } from '../canary-sources.ts';
import type { RampGate, RampGuard } from './ramp.ts';
import type { RampState } from './state.ts';

/** What one look at a gate found. */
export interface GateLook {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly checks: readonly Check[];
  readonly tick: Tick | null;
  readonly memory: SourceMemory;
}

/** The router's own counts stand among the declared metrics as one that needs no declaration. */
const ROUTER = { from: 'command', argv: [], env: {}, everyMs: 0, timeoutMs: 5_000 } as const;

/** What the gate's sources are, as a canary declares them; the router's counts among them. */
export function declaredBy({ router, metrics, guards }: RampGate): Declared {
  const own = { name: ERRORS.name, source: ROUTER, slowerThan: null, policy: ERRORS };
  return { metrics: [...(router ? [own] : []), ...metrics], guards };
}

/** Answers taken in, and what the gate says of the step so far. `fail` of anything is `fail`; nothing at all is `unknown`. */
export function lookAtGate(
  state: RampState,
  memory: SourceMemory,
  { answers, at }: { readonly answers: readonly Answer[]; readonly at: Instant },
): GateLook {
  const { gate } = state.plan;
  const declared = declaredBy(gate);
  const taken = takeAnswers(declared, memory, {
    answers: answers.map((answer) => ({ ...answer, reading: alone(gate.guards, answer) })),
    at,
  });
  const tick = Object.keys(taken.news).length === 0 ? null : { at, metrics: taken.news };
  const judge = state.judge === null || tick === null ? state.judge : addTick(state.judge, tick);
  const judged = judge === null ? null : sayWhySilent(judgementOf(judge), declared, taken.memory);
  const checks = [
    ...(judged?.metrics ?? []).map(({ name, verdict, because }): Check => ({ name, verdict, reason: because })),
    ...gate.guards.map((guard) => guardCheck(guard, taken.memory)),
  ];
  const verdicts = [...(judged === null ? [] : [judged.verdict]), ...gate.guards.map((guard) => guardCheck(guard, taken.memory).verdict)];
  const verdict = joinVerdicts(verdicts);
  return { verdict, reason: reasonOf(verdict, checks, judged?.because ?? null), checks, tick, memory: taken.memory };
}

function reasonOf(verdict: Verdict, checks: readonly Check[], because: string | null): string {
  const deciding = checks.filter((check) => check.verdict === verdict);
  if (deciding.length === 0) return because ?? 'nothing was asked';
  return deciding.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
}

/** Of the service as a whole there is nothing to compare with: the limit alone decides. */
function alone(guards: readonly RampGuard[], { name, reading }: Answer): Reading {
  const guard = guards.find((one) => one.name === name);
  if (guard?.about !== 'service' || reading.kind !== 'gauge') return reading;
  const { canary } = reading.versions;
  return { ...reading, versions: { canary, stable: Math.min(canary, guard.above) } };
}

function guardCheck(guard: RampGuard, memory: SourceMemory): Check {
  const state = memory.guards[guard.name] ?? null;
  const check = checkGuard(guard, state);
  if (guard.about !== 'service' || state?.values === null || state === null) return check;
  return { ...check, reason: `${Number(state.values.canary.toPrecision(4))}, where at most ${guard.above} is allowed` };
}
