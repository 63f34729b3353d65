import { formatDuration, type Duration } from '../../kernel/pure.ts';
import type { Arm } from './counts.ts';
import { toleratedOf, type MetricFigures, type MetricState, type Rule } from './metric-judge.ts';
import { CATASTROPHIC } from './policy.ts';

/** What a sentence is made of. */
interface Facts {
  readonly state: MetricState;
  readonly figures: MetricFigures;
  readonly rule: Rule;
  readonly needs: { readonly requests: number; readonly ms: Duration } | null;
}

/** Why the verdict is what it is, with the numbers, in one sentence. */
export function sentenceOf({ state, figures, rule, needs }: Facts): string {
  const { policy } = state;
  const { seen, bake } = figures;
  const both = `${rate(seen.canary)} of the canary's requests were bad (${count(seen.canary)}), ${rate(seen.stable)} of the stable ones (${count(seen.stable)})`;
  switch (rule) {
    case 'catastrophe':
      return `${rate(seen.canary)} of the canary's requests were bad (${count(seen.canary)}): more than ${percent(CATASTROPHIC)}, and more than of the stable ones (${count(seen.stable)})`;
    case 'limit':
      return `${both}: more than the limit of ${percent(policy.limit ?? 0)}, and more than the stable version`;
    case 'checkpoint':
      return `${both}: at least ${figures.ratio.low.toFixed(1)} times as many, where ${tolerance(state)} is tolerated (chance of seeing this of a good canary ${chance(figures.e.bad)})`;
    case 'change':
      return `it became worse while it ran: since it began ${rate(bake.canary)} of the canary's requests were bad (${count(bake.canary)}), ${rate(bake.stable)} of the stable ones, and lately more than ${tolerance(state)} as many`;
    case 'good':
      return `${both}: proven to be less than ${policy.margin} times as many`;
    case 'clean':
      return `${rate(seen.canary)} of the canary's requests were bad (${count(seen.canary)}): proven to be fewer than ${percent(policy.clean)}`;
    case 'silent':
      return 'its source gives no counts, so nothing is known';
    case 'cold':
      return `${both}: it is not warm yet, which takes ${formatDuration(policy.warmupMs)}`;
    case 'open':
      return `${both}: not enough to tell; ${openNeeds(needs, seen.canary.requests)}`;
  }
}

/** "1.5 times", or what it became because the canary is cold or instances differ. */
function tolerance({ policy, scatter, warm }: MetricState): string {
  const tolerated = toleratedOf(policy, scatter, warm) ?? policy.margin;
  const times = `${Number(tolerated.toPrecision(2))} times`;
  if (!warm) return `${times} while it is not warm`;
  return scatter.luck > 1.05 ? `${times} (${policy.margin}, and stable instances differ among themselves)` : times;
}

function openNeeds(needs: Facts['needs'], requests: number): string {
  if (needs !== null)
    return `about ${needs.requests} more canary requests are needed, about ${formatDuration(roughly(needs.ms))} at this rate`;
  return requests === 0 ? 'the canary has had no requests' : 'more of the same would not prove it good';
}

/** A forecast in milliseconds would claim to know more than it does. */
function roughly(ms: Duration): Duration {
  const unit = ms < 60_000 ? 1_000 : 60_000;
  return Math.ceil(ms / unit) * unit;
}

function count({ requests, bad }: Arm): string {
  return `${bad} of ${requests}`;
}

function rate({ requests, bad }: Arm): string {
  return requests === 0 ? 'none' : percent(bad / requests);
}

/** Two significant digits: 0.067 %, 8.3 %, 50 %. */
function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

/** One in so many, from ln of an e-value. */
function chance(logE: number): string {
  return `at most 1 in ${logE > 20 ? 'hundreds of millions' : Math.floor(Math.exp(logE))}`;
}
