import { toIso } from '../kernel/index.ts';
import type { Delivery } from './delivery.ts';
import type { Kill } from './killed.ts';
import type { FlagChange } from './ports.ts';

/** What the command line and the API tell of a kill, with its times as text. */

type Document = Readonly<Record<string, unknown>>;

const UNKNOWN_ORIGIN = { address: null, token: null };

/** How far a change got. */
export function deliveryDocument(delivery: Delivery | null): Document | null {
  if (delivery === null) return null;
  const stale = delivery.stale.map(({ client, since, from, comesBy }) => ({
    client,
    since: toIso(since),
    ...(from ?? UNKNOWN_ORIGIN),
    comesBy: comesBy === undefined ? null : toIso(comesBy),
  }));
  const silent = delivery.silent.map((one) => ({ ...one, since: toIso(one.since), until: toIso(one.until) }));
  const ended = delivery.ended.map((one) => ({ ...one, at: toIso(one.at), until: toIso(one.until) }));
  const lost = delivery.lost.map((one) => ({ ...one, at: toIso(one.at) }));
  return { ...delivery, stale, silent, ended, lost };
}

/** The kill by which a flag is off: the newest, and the first. */
export function killDocument(kill: Kill | null): Document | null {
  if (kill === null) return null;
  const told = ({ seq, at, actor, reason }: FlagChange): object => ({ seq, at: toIso(at), actor, reason });
  return { ...told(kill.change), wasOn: kill.wasOn, first: told(kill.first) };
}
