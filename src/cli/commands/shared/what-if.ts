import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ScheduledWeight, WhatIf } from '../../../analysis/index.ts';
import { CONFIG_FILE, loadConfig, USUAL_CANARY, type LoadedConfig } from '../../../config/index.ts';
import { formatDuration, SlipwayError, type Duration } from '../../../kernel/index.ts';
import { bakeShapeOf, type CanaryDefinition } from '../../../release/index.ts';
import { text, type Call } from '../spec.ts';
import { percentage, timeSpan, wholeNumber } from './numbers.ts';
import { trafficNow, trafficOfRelease, type TrafficFacts } from './traffic-facts.ts';

/** What is asked, and what was assumed because nobody said it. */
export interface Question {
  readonly question: Omit<WhatIf, 'seed' | 'runs'>;
  /** Shares of bad requests that are tried, ascending. */
  readonly errors: readonly number[];
  readonly notes: readonly string[];
}

const LONGEST_MS: Duration = 7 * 86_400_000;
const OPEN_ENDED_MS: Duration = 3_600_000;
const MOST_TRAFFIC = 100_000_000;
const MOST_CANARIES = 8;
const USUAL_ERRORS = '1%,2%,10%';
const USUAL_BASELINE = 0.005;

/** Reads the question from configuration, flags and what was counted. @throws SlipwayError `usage` for what makes no sense together */
export async function questionOf(call: Call): Promise<Question> {
  const { canary, config, note } = await canaryOf(call);
  const traffic = await trafficFacts(call, config);
  const errors = errorsOf(text(call, 'errors') ?? USUAL_ERRORS, traffic.baseline);
  const checkpoints = scheduleOf(text(call, 'schedule')) ?? canary.checkpoints;
  const schedule = checkpoints.map(({ weight, forMs }): ScheduledWeight => ({ share: weight / 100, forMs }));
  const planned = schedule.reduce((sum, { forMs }) => sum + forMs, 0);
  const within = text(call, 'within');
  const withinMs = within === undefined ? (planned === 0 ? OPEN_ENDED_MS : planned) : timeSpan('--within', within, LONGEST_MS);
  if (withinMs === 0 || withinMs > LONGEST_MS)
    throw new SlipwayError('usage', `${formatDuration(withinMs)} cannot be simulated: from 1s to 7 days can`, {
      hint: 'Say how long with --within.',
    });
  const onsetMs = timeSpan('--after', text(call, 'after') ?? '0s', LONGEST_MS);
  if (onsetMs >= withinMs)
    throw new SlipwayError('usage', `--after ${formatDuration(onsetMs)} is not before the end, after ${formatDuration(withinMs)}`);
  const { perMinute, baseline, dispersions } = traffic;
  const shape = bakeShapeOf(checkpoints);
  return {
    question: { policy: canary.policy, everyMs: canary.everyMs, schedule, withinMs, shape, perMinute, baseline, onsetMs, dispersions },
    errors,
    notes: [...note, `traffic and baseline: ${traffic.source}`, ...assumed(canary.policy)],
  };
}

/** What only some judges ask for, and no traffic tells. */
function assumed({ kind }: CanaryDefinition['policy']): readonly string[] {
  return kind === 'documented' ? ['CPU, memory and durations of both versions are assumed to be alike, and known'] : [];
}

interface Chosen {
  readonly canary: CanaryDefinition;
  readonly config: LoadedConfig | null;
  readonly note: readonly string[];
}

/** How the canary is judged: as the file says, else as by default. */
async function canaryOf(call: Call): Promise<Chosen> {
  const policy = text(call, 'policy');
  const own = call.config ?? (existsSync(join(call.directory, CONFIG_FILE)) ? call.directory : null);
  const file = policy === undefined ? own : resolve(call.directory, policy);
  if (file === null)
    return { canary: USUAL_CANARY, config: null, note: [`no ${CONFIG_FILE} here: weights and limits are the default ones`] };
  const config = await loadConfig(file, text(call, 'env'));
  const { canary, name } = config.definition.strategy;
  if (canary !== undefined) return { canary, config, note: [] };
  if (policy !== undefined) throw noCanary(policy);
  return { canary: USUAL_CANARY, config, note: [`the strategy here is ${name}: weights and limits are those of \`strategy: canary\``] };
}

/** The refusal for a file that is asked how to judge and does not say. */
export function noCanary(file: string): SlipwayError {
  return new SlipwayError('usage', `The strategy of ${file} is no canary, so it says nothing of how to judge one`, {
    hint: 'Write `strategy: { name: canary, because: "a question", errors: { margin: 2 } }` there.',
  });
}

async function trafficFacts(call: Call, config: LoadedConfig | null): Promise<TrafficFacts> {
  const counted = await countedFacts(call, config);
  const [traffic, baseline] = [text(call, 'traffic'), text(call, 'baseline')];
  const perMinute = traffic === undefined ? counted?.perMinute : wholeNumber('--traffic', traffic, [1, MOST_TRAFFIC]);
  if (perMinute === undefined)
    throw new SlipwayError('usage', 'Nobody says how much traffic there is, and no agent here has counted any', {
      hint: 'Give requests per minute, --traffic 600, or an earlier release, --from 01k9.',
    });
  const known = counted ?? {
    baseline: USUAL_BASELINE,
    dispersions: {},
    source: `given${baseline === undefined ? ', the baseline is assumed' : ''}`,
  };
  const share = baseline === undefined ? known.baseline : percentage('--baseline', baseline);
  if (share > 0.5) throw new SlipwayError('usage', `A baseline of ${share * 100}% is an outage: nothing can be compared with it`);
  return { ...known, perMinute, baseline: share };
}

async function countedFacts(call: Call, config: LoadedConfig | null): Promise<TrafficFacts | null> {
  const from = text(call, 'from');
  if (from !== undefined && from !== 'router') return trafficOfRelease(call, from);
  if (from === undefined && text(call, 'traffic') !== undefined) return null;
  const facts = config === null ? null : await trafficNow(call, `${config.definition.service}/${config.definition.environment}`);
  if (facts === null && from === 'router')
    throw new SlipwayError('not_possible_now', 'No agent here has counted any traffic of this service', {
      hint: 'Give requests per minute, --traffic 600.',
    });
  return facts;
}

function errorsOf(given: string, baseline: number): readonly number[] {
  const errors = given.split(',').map((one) => percentage('--errors', one));
  if (errors.length > MOST_CANARIES) throw new SlipwayError('usage', `--errors ${given}: at most ${MOST_CANARIES} at a time`);
  const small = errors.find((one) => one <= baseline);
  if (small !== undefined)
    throw new SlipwayError(
      'usage',
      `--errors ${small * 100}%: not worse than the stable version's ${Number((baseline * 100).toPrecision(3))}%, so there is nothing to catch`,
    );
  return [...new Set(errors)].toSorted((a, b) => a - b);
}

/** `5%:1h,25%:3h`; null when it was not given. */
function scheduleOf(given: string | undefined): CanaryDefinition['checkpoints'] | null {
  if (given === undefined) return null;
  const checkpoints = given.split(',').map((one) => {
    const [share = '', time, ...more] = one.trim().split(':');
    if (more.length > 0) throw new SlipwayError('usage', `--schedule ${given}: write weight:time,weight:time, such as 5%:1h,25%:3h`);
    const weight = Math.round(percentage('--schedule', share) * 10_000) / 100;
    return { weight, forMs: time === undefined ? 0 : timeSpan('--schedule', time, LONGEST_MS), pause: false };
  });
  for (const [index, { weight }] of checkpoints.entries()) {
    if (!Number.isInteger(weight) || weight < 1 || weight > 99)
      throw new SlipwayError('usage', `--schedule ${weight}%: a weight is a whole percent from 1% to 99%`);
    if (weight <= (checkpoints[index - 1]?.weight ?? 0)) throw new SlipwayError('usage', `--schedule ${given}: weights only rise`);
  }
  return checkpoints;
}
