import { formatDuration, joinVerdicts, type Instant, type Verdict } from '../../kernel/pure.ts';
import type { Pair } from './counts.ts';
import {
  addToDocumented,
  documentedJudgement,
  seenByTriggers,
  startDocumented,
  type DocumentedCheck,
  type DocumentedJudge,
  type DocumentedJudgement,
  type WatchedFact,
} from './documented.ts';
import { NO_FACTS, type DocumentedTick, type Reading } from './documented-facts.ts';
import type { JudgeRules } from './judge.ts';
import { becauseOf, type MetricJudgement } from './judgement.ts';
import { ERRORS } from './policy.ts';
import { addToTally, type Tally } from './tally.ts';
import { newsOf, type Tick } from './tick.ts';

/** The policy `documented` as data. Its figures are fixed; declared metrics have the largest ratio to the stable value. */
export interface DocumentedPolicy {
  readonly kind: 'documented';
  readonly custom: Readonly<Record<string, number>>;
  /** What the service says that it does not have; absent where nothing was said. */
  readonly without?: readonly WatchedFact[];
}

export interface DocumentedState {
  readonly kind: 'documented';
  readonly lastAt: Instant | null;
  /** The newest tick with news of requests; ticks of declared metrics lie between two of them. */
  readonly routerAt: Instant | null;
  readonly judge: DocumentedJudge;
  readonly tally: Tally;
}

/** A new weight begins all windows of the criteria anew; triggers look back across it, and what has fired stays. */
export const DOCUMENTED_RULES: JudgeRules<DocumentedPolicy, DocumentedState> = {
  start: ({ custom, without }) => ({
    kind: 'documented',
    lastAt: null,
    routerAt: null,
    judge: startDocumented(custom, without),
    tally: {},
  }),
  checkpoint: (state, at) => ({ ...state, lastAt: at, routerAt: at, judge: { ...state.judge, startedAt: at }, tally: {} }),
  tick: (state, tick) => ({
    ...state,
    lastAt: tick.at,
    routerAt: newsOf(tick, ERRORS.name) === undefined ? state.routerAt : tick.at,
    judge: addToDocumented(state.judge, documentedTick(tick, state)),
    tally: addToTally(state.tally, tick),
  }),
  judgement: (state) => {
    const judged = documentedJudgement(state.judge);
    const metrics = [
      triggers(judged, seenByTriggers(state.judge)),
      ...judged.unwatched.map(unwatched),
      ...judged.criteria.map((check) => criterion(check, state.tally)),
    ];
    const verdict = judged.criteria.length === 0 ? 'unknown' : joinVerdicts(metrics.map((one) => one.verdict));
    const because = judged.criteria.length === 0 ? 'nothing was counted yet' : becauseOf(verdict, metrics);
    const advice = actionText(judged);
    return { verdict, because: `${because}${advice}`, metrics, advice, thresholds: null };
  },
  verdict: ({ judge }) => (judge.fired.length > 0 ? 'fail' : documentedJudgement(judge).verdict),
};

function documentedTick(tick: Tick, { routerAt, judge }: DocumentedState): DocumentedTick {
  const { at, facts } = tick;
  const named = Object.keys(judge.custom).flatMap((name) => {
    const pair = newsOf(tick, name);
    return pair === undefined ? [] : [[name, shares(pair)] as const];
  });
  const errors = newsOf(tick, ERRORS.name);
  const lengthMs = errors === undefined ? 0 : at - (routerAt ?? at);
  return { ...NO_FACTS, ...facts, at, lengthMs, errors: errors ?? null, custom: Object.fromEntries(named), ofCustom: errors === undefined };
}

/** A side without requests tells nothing. */
function shares(pair: Pair | null): Reading | null {
  if (pair === null || pair.canary.requests === 0 || pair.stable.requests === 0) return null;
  return { canary: pair.canary.bad / pair.canary.requests, stable: pair.stable.bad / pair.stable.requests };
}

const NO_NUMBERS = { figures: null, needs: null, shift: null } as const;

function triggers({ fired }: DocumentedJudgement, compared: MetricJudgement['compared']): MetricJudgement {
  const verdict: Verdict = fired.length > 0 ? 'fail' : 'pass';
  const because = fired.length > 0 ? `fired: ${fired.map((name) => TRIGGERS[name] ?? name).join('; ')}` : 'none has fired';
  return { name: 'triggers', verdict, rule: 'trigger', because, seen: null, compared, ...NO_NUMBERS };
}

function unwatched({ fact, open }: DocumentedJudgement['unwatched'][number]): MetricJudgement {
  const because = `its trigger cannot be judged: ${open === 'gap' ? 'its source is silent' : `${declare(fact)}, or \`none\` where there is nothing to watch`}`;
  return { name: fact, verdict: 'unknown', rule: 'trigger', because, seen: null, compared: [], ...NO_NUMBERS };
}

function declare(fact: string): string {
  return `declare where it comes from as \`strategy.documented.${fact}\``;
}

/** The triggers in words, with their figures. */
const TRIGGERS: Readonly<Record<string, string>> = {
  errors: 'more than 5 % of its requests failed in 2 consecutive minutes',
  p99: 'its p99 was more than 3 times the stable one for 5 minutes',
  restarts: '3 or more restarts in 5 minutes',
  probes: 'more than 50 % of its probes fail',
  memory: 'more than 90 % of its memory limit for 3 minutes',
  breaker: 'an upstream circuit breaker is open',
  corruption: 'data are corrupted',
};

function criterion(check: DocumentedCheck, tally: Tally): MetricJudgement {
  const { name, of, verdict, value, most, windowMs } = check;
  const seen = tally[of ?? name] ?? null;
  const compared = [
    {
      what: `${check.name === 'errors' ? 'share above the stable one' : 'times the stable value'}, over ${formatDuration(windowMs)}`,
      value,
      limit: most,
    },
  ];
  return { name: of ?? name, verdict, rule: 'criterion', because: sentence(check), seen, compared, ...NO_NUMBERS };
}

function sentence({ name, value, most, windowMs, open, verdict }: DocumentedCheck): string {
  switch (open) {
    case 'early':
      return `its window of ${formatDuration(windowMs)} is not over`;
    case 'gap':
      return `its source was silent within the last ${formatDuration(windowMs)}`;
    case 'unmeasured':
      return `no source measures it for both versions${name === 'cpu' || name === 'memory' ? `: ${declare(name)}` : ', so nobody can say that it holds'}`;
    case null: {
      const told =
        name === 'errors'
          ? `${points(value)} more than the stable version, at most ${points(most)}`
          : value === Number.POSITIVE_INFINITY
            ? `the stable version has none of it`
            : `${Number((value ?? 0).toPrecision(3))} times the stable version's, at most ${most}`;
      return verdict === 'pass' ? told : `${told}: it is held, and a person decides`;
    }
  }
}

function points(share: number | null): string {
  return `${Number(((share ?? 0) * 100).toPrecision(2))} points`;
}

function actionText({ action }: DocumentedJudgement): string {
  switch (action) {
    case 'restore':
      return '; stop the traffic and restore the data';
    case 'ask':
      return '; more than 1 % of its requests failed in the last minute: a person is to decide';
    case 'alert':
      return '; its p99 is more than twice the stable one: alert';
    case 'rollback':
    case 'none':
      return '';
  }
}
