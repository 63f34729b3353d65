import type { Instant } from '../../../kernel/index.ts';
import { silent, type Reading } from '../../core/reading.ts';
import type { Ask, Question } from '../../ports.ts';
import type { Point, Rejected, Sender } from './points.ts';
import { readTotals } from './read.ts';
import { FRESH_MS, type Total } from './total.ts';

interface Last {
  readonly values: readonly number[];
  readonly startedAt: number;
  readonly at: number;
  readonly heardAt: Instant;
}

export interface OtlpStore {
  /** Takes points in; answers with those it does not take. */
  add(points: readonly Point[], now: Instant): readonly Rejected[];
  read(ask: Ask, question: Question, now: Instant): Reading;
}

export interface StoreLimits {
  readonly series: number;
  readonly instances: number;
}

const LIMITS: StoreLimits = { series: 10_000, instances: 1_000 };
/** An instance not heard of for so long is forgotten when room is needed. */
const IDLE_MS = 60 * 60_000;

/**
 * Counts of all instances that send theirs, by version, in memory of bounded size. Cumulative counts and deltas are both turned into
 * totals since this store began: what an instance had counted before it was first heard of belongs to no canary.
 */
export function createOtlpStore(epoch: string, startedAt: Instant, limits: StoreLimits = LIMITS): OtlpStore {
  const totals = new Map<string, Total>();
  const lasts = new Map<string, Last>();
  const instances = new Map<string, Instant>();
  const versions = new Map<string, Instant>();
  /** A process that began later than this was heard of from its beginning. */
  let knownSince = startedAt;

  const prune = (now: Instant): void => {
    if (lasts.size < limits.series && instances.size < limits.instances) return;
    const before = lasts.size + instances.size;
    for (const [key, { heardAt }] of lasts) if (now - heardAt > IDLE_MS) lasts.delete(key);
    for (const [key, heardAt] of instances) if (now - heardAt > IDLE_MS) instances.delete(key);
    if (lasts.size + instances.size < before) knownSince = now;
  };

  const addOne = (point: Point, isKnown: boolean, now: Instant): string | null => {
    const key = keyOf(point);
    const lastKey = `${key}\0${point.sender.instance}`;
    const last = lasts.get(lastKey);
    if (last === undefined && lasts.size >= limits.series) return `more than ${limits.series} series`;
    if (last !== undefined && isRepeated(point, last)) return null;
    const total = totals.get(key) ?? newTotal(point);
    if (total.kind !== point.kind) return `${point.metric}: it was a ${total.kind} before`;
    totals.set(key, total);
    lasts.set(lastKey, { values: point.values, startedAt: point.startedAt, at: point.at, heardAt: now });
    if (point.kind === 'gauge') total.newest.set(point.sender.instance, { value: point.values[0] ?? Number.NaN, heardAt: now });
    else addCounts(total, point, { last, wholly: isKnown || point.startedAt >= knownSince });
    return null;
  };

  return {
    add: (points, now) => {
      prune(now);
      const rejected: Rejected[] = [];
      const known = new Set(instances.keys());
      for (const point of points) {
        const who = instanceOf(point.sender);
        const problem =
          !instances.has(who) && instances.size >= limits.instances
            ? `more than ${limits.instances} instances`
            : addOne(point, known.has(who), now);
        if (problem !== null) rejected.push({ count: 1, reason: problem });
        else {
          instances.set(who, now);
          versions.set(versionOf(point.sender), now);
        }
      }
      return rejected;
    },
    read: (ask, question, now) => {
      const heard = (version: string): Instant | null => versions.get(versionOf({ service: question.service, version })) ?? null;
      const deaf = [question.canary, question.stable].find(({ version }) => isDeaf(heard(version), now));
      if (deaf !== undefined)
        return silent(`nothing was received from ${question.service} ${deaf.version} in the last ${FRESH_MS / 60_000} minutes`);
      return readTotals([...totals.values()], { ask, question, now, epoch });
    },
  };
}

/** A sender that got no answer sends again; a delta counted twice would be a guess. */
function isRepeated({ at, temporality }: Point, last: Last): boolean {
  return at < last.at || (temporality === 'delta' && at === last.at);
}

function isDeaf(heardAt: Instant | null, now: Instant): boolean {
  return heardAt === null || now - heardAt > FRESH_MS;
}

function keyOf({ sender: { service, version }, metric, attributes }: Point): string {
  const sorted = Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([service, version, metric, sorted]);
}

function instanceOf({ service, version, instance }: Sender): string {
  return JSON.stringify([service, version, instance]);
}

function versionOf({ service, version }: Pick<Sender, 'service' | 'version'>): string {
  return JSON.stringify([service, version]);
}

function newTotal({ sender: { service, version }, metric, attributes, kind, bounds, values }: Point): Total {
  return { service, version, metric, attributes, kind, bounds, values: values.map(() => 0), restarts: 0, newest: new Map() };
}

function addCounts(total: Total, point: Point, { last, wholly }: { readonly last: Last | undefined; readonly wholly: boolean }): void {
  const sameBounds = total.bounds.length === point.bounds.length && total.bounds.every((bound, index) => bound === point.bounds[index]);
  if (!sameBounds) {
    total.bounds = point.bounds;
    total.values = point.values.map(() => 0);
    total.restarts += 1;
    return;
  }
  const more = moreOf(point, last, wholly);
  // The same process counts less than before: nobody can say what happened.
  if (more.some((value) => value < 0)) total.restarts += 1;
  else total.values = total.values.map((value, index) => value + (more[index] ?? 0));
}

function moreOf({ temporality, values, startedAt }: Point, last: Last | undefined, wholly: boolean): readonly number[] {
  if (temporality === 'delta') return values;
  if (last === undefined) return wholly ? values : values.map(() => 0);
  // Another process under the same name: it counted from zero.
  if (startedAt !== last.startedAt) return values;
  return values.map((value, index) => value - (last.values[index] ?? 0));
}
