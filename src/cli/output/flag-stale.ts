import type { FlagStanding, StaleReport } from '../../flags/index.ts';
import { plain } from './as-is.ts';
import type { Style } from './style.ts';
import { count, table } from './table.ts';

/** In the order in which they come. */
function grouped<T>(all: readonly T[], keyOf: (one: T) => string): readonly (readonly [key: string, of: readonly T[]])[] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return [...groups];
}

/** More places of one key are not listed. */
const MOST_PLACES = 3;

/** Flags that may go, by owner; then what cannot be known, and keys without a flag. */
export function renderStale({ environment, flags, dangling }: StaleReport, failed: readonly string[], style: Style): string {
  const going = flags.filter(({ verdict }) => verdict === 'fail');
  const blocks = [
    summary(environment, flags.length, going.length),
    ...(going.length === 0 ? [] : [byOwner(going, style)]),
    ...unknownBlock(flags, style),
    ...danglingBlock(environment, dangling, style),
    ...(going.length === 0 ? [] : ['`slipway flag refs KEY --cleanup` says what becomes of the code without a flag.']),
    ...(failed.length === 0 ? [] : [style.bad(`Failed on ${failed.join(', ')}.`)]),
  ];
  return blocks.join('\n\n');
}

function summary(environment: string, all: number, going: number): string {
  if (all === 0) return `There is no flag in ${environment}.`;
  return going === 0
    ? `Nothing speaks against any of the ${count(all, 'flag')} in ${environment}.`
    : `${going} of ${count(all, 'flag')} in ${environment} may go:`;
}

function byOwner(flags: readonly FlagStanding[], style: Style): string {
  return grouped(flags, ({ flag }) => flag.about.owner)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([owner, own]) => `${style.bold(plain(owner))}\n${table(own.flatMap(rowsOf), '  ')}`)
    .join('\n');
}

function rowsOf({ key, checks }: FlagStanding): readonly (readonly string[])[] {
  return checks.filter(({ verdict }) => verdict === 'fail').map(({ reason }, index) => [index === 0 ? key : '', reason]);
}

/** Each reason once, with how many flags it is about: usually it is the same for all. */
function unknownBlock(flags: readonly FlagStanding[], style: Style): readonly string[] {
  const checks = flags.flatMap((one) =>
    one.checks.filter(({ verdict }) => verdict === 'unknown').map((check) => ({ key: one.key, ...check })),
  );
  if (checks.length === 0) return [];
  const rows = grouped(checks, ({ name, reason }) => `${name}: ${reason}`).map(([reason, of]) => [
    of.length === 1 ? (of[0]?.key ?? '') : count(of.length, 'flag'),
    reason,
  ]);
  return [`${style.bold('Not known')}\n${table(rows, '  ')}`];
}

function danglingBlock(environment: string, dangling: StaleReport['dangling'], style: Style): readonly string[] {
  if (dangling.length === 0) return [];
  const rows = grouped(dangling, ({ key }) => key).map(([key, places]) => {
    const more = places.length > MOST_PLACES ? ` and ${places.length - MOST_PLACES} more` : '';
    return [
      key,
      `${places
        .slice(0, MOST_PLACES)
        .map(({ file, line }) => `${file}:${line}`)
        .join(', ')}${more}`,
    ];
  });
  return [`${style.bold(`Asked for in the code, and no flag in ${environment}`)}: its own default is served\n${table(rows, '  ')}`];
}
