import { formatDuration, toIso, type Instant } from '../../kernel/index.ts';
import {
  conditionText,
  killTexts,
  serveText,
  stateText,
  valueText,
  type Delivery,
  type Dependant,
  type Ended,
  type Flag,
  type FlagChange,
  type FlagSet,
  type Kill,
  type Lost,
  type Segment,
  type Silent,
} from '../../flags/index.ts';
import { plain } from './as-is.ts';
import { serverName, shortId } from './flag-servers.ts';
import { count, table } from './table.ts';
import type { Style } from './style.ts';

const DAY_MS = 86_400_000;

/** The flags of an environment, a line each. */
export function renderFlags(
  { environment, flags }: FlagSet,
  { kills, now }: { readonly kills: ReadonlyMap<string, Kill>; readonly now: Instant },
  style: Style,
): string {
  const all = Object.entries(flags);
  if (all.length === 0) return `There is no flag in ${environment}. Make one with \`slipway flag create KEY -e ${environment}\`.`;
  const rows = all.map(([key, flag]) => [
    key,
    flag.enabled ? stateText(flag) : kills.has(key) ? style.bad('killed') : style.dim('disabled'),
    flag.valueType,
    plain(flag.about.owner),
    expiryText(flag, now, style),
  ]);
  return table([['FLAG', 'DOES', 'VALUES', 'OWNER', 'EXPIRES'].map(style.dim), ...rows]);
}

function expiryText({ about: { expiresAt } }: Flag, now: Instant, style: Style): string {
  if (expiresAt === null) return 'never';
  const left = Date.parse(expiresAt) - now;
  return left < 0 ? style.warn(`expired ${Math.floor(-left / DAY_MS)}d ago`) : expiresAt.slice(0, 10);
}

export interface ShownFlag {
  readonly environment: string;
  readonly key: string;
  readonly revision: number;
  readonly flag: Flag;
  readonly kill: Kill | null;
  /** By which it is off, where that is no kill and somebody turned it off. */
  readonly turnedOff: FlagChange | null;
  /** Of the kill. */
  readonly delivery: Delivery | null;
  /** Other environments in which a flag of this key is on. */
  readonly onElsewhere: readonly string[];
}

/** One flag whole. */
export function renderFlag({ environment, key, revision, flag, kill, turnedOff, delivery, onElsewhere }: ShownFlag, style: Style): string {
  const { about, variants, prerequisites, stale } = flag;
  const rows: readonly (readonly string[])[] = [
    ['state', flag.enabled ? style.good('on') : `off: everybody gets ${flag.off}`],
    ...(kill === null ? [] : killTexts(kill).map((text) => ['', style.bad(plain(text))])),
    ...(turnedOff === null ? [] : [['', plain(turnedOffText(turnedOff))]]),
    ...(delivery === null ? [] : [['', deliveryText({ environment, key }, delivery, style)]]),
    ...elsewhereTexts(key, onElsewhere).map((text, index) => [index === 0 ? 'elsewhere' : '', text]),
    ...Object.entries(variants).map(([name, value], index) => [index === 0 ? 'variants' : '', plain(`${name} = ${valueText(value)}`)]),
    ['safe', flag.off],
    ...prerequisites.map((one) => ['needs', `${one.flag} to serve ${one.variants.join(' or ')}`]),
    ...ruleRows(flag),
    [
      'stale',
      stale === null ? 'clients go on with what they knew last' : `${flag.off} after ${formatDuration(stale.afterMs)} without news`,
    ],
    ['type', `${flag.type}, ${flag.valueType}`],
    ['owner', plain(about.owner)],
    ['created', about.createdAt],
    ['expires', about.expiresAt ?? 'never'],
    ...(about.tags.length === 0 ? [] : [['tags', plain(about.tags.join(', '))]]),
    ['revision', String(revision)],
  ];
  const title = [style.bold(`${key} in ${environment}`), ...[about.name, about.description].filter((text) => text !== '').map(plain)];
  return `${title.join('\n')}\n${table(rows, '  ')}`;
}

/** Who turned it off, when, and why where that was said. */
function turnedOffText({ actor, at, reason }: FlagChange): string {
  return `turned off by ${actor} at ${toIso(at)}${reason === '' ? '' : `: ${reason}`}`;
}

/** Where a flag is on beside the environment that was asked about, a line for each, with what kills it there. */
export function elsewhereTexts(key: string, environments: readonly string[]): readonly string[] {
  return environments.map((environment) => `${key} is on in ${environment}; to kill it there: ${killCommand(key, environment)}`);
}

/** The same for documents. */
export function elsewhereDocument(key: string, environments: readonly string[]): readonly object[] {
  return environments.map((environment) => ({ environment, kill: killCommand(key, environment) }));
}

function killCommand(key: string, environment: string): string {
  return `slipway flag kill ${key} -e ${environment} --reason ...`;
}

function ruleRows({ rules, default: serve }: Flag): readonly (readonly string[])[] {
  const told = rules.map((rule, index) => [
    index === 0 ? 'rules' : '',
    `${plain(`${rule.name}: ${conditionText(rule.when)}`)} gets ${serveText(rule.serve)}`,
  ]);
  return [...told, [rules.length === 0 ? 'everybody' : 'others', serveText(serve)]];
}

/** The rules of a flag in their order, and what everybody else gets. */
export function renderRules(flag: Flag): string {
  return table(ruleRows(flag));
}

/** Segments, a line each. */
export function renderSegments(
  environment: string,
  segments: readonly { readonly key: string; readonly segment: Segment }[],
  style: Style,
): string {
  if (segments.length === 0)
    return `There is no segment in ${environment}. Make one with \`slipway flag segment KEY --when ... -e ${environment}\`.`;
  const rows = segments.map(({ key, segment }) => [key, plain(conditionText(segment.when)), plain(segment.description)]);
  return table([['SEGMENT', 'WHEN', 'WHAT IT IS'].map(style.dim), ...rows]);
}

/** What a kill does to other flags, which whoever kills one at night does not have in mind. */
export function dependantsText({ environment }: Pick<ShownFlag, 'environment'>, dependants: readonly Dependant[]): readonly string[] {
  const named = (isMet: boolean): readonly string[] => dependants.filter((one) => one.isMet === isMet).map(({ flag }) => flag);
  const [off, met] = [named(false), named(true)];
  return [
    ...(off.length === 0
      ? []
      : [`So ${off.length === 1 ? 'is' : 'are'} ${listed(off)}, which ${off.length === 1 ? 'requires' : 'require'} it.`]),
    ...met.map(
      (flag) =>
        `${flag} requires one of these to be off, and may be on for more people now: \`slipway flag show ${flag} -e ${environment}\`.`,
    ),
  ];
}

/** More are not read at night. */
const MOST_LISTED = 10;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return more > 0 ? `${names.slice(0, MOST_LISTED).join(', ')} and ${more} more` : names.join(', ');
}

/** `9,998 of 10,000 clients have it in 0.6s; 2 did not say so.`, and below it who that is, and who is not waited for. */
export function deliveryText(flag: Pick<ShownFlag, 'environment' | 'key'>, delivery: Delivery, style: Style): string {
  return [reachText(flag, delivery, style), ...delivery.lost.map((one) => style.warn(lostText(one)))].join('\n');
}

function reachText(flag: Pick<ShownFlag, 'environment' | 'key'>, delivery: Delivery, style: Style): string {
  const { servers, heard, connected, acknowledged, lastMs, complete } = delivery;
  if (servers === 0) return style.warn([nobodyText(flag), ...delivery.ended.map(endedText)].join('\n'));
  const parts = [
    connected === 0 ? unconnectedText(heard === servers) : reachedText(acknowledged, connected, lastMs),
    ...(heard < servers ? [`${servers - heard} of ${count(servers, 'server')} did not say that they have it`] : []),
    ...(acknowledged < connected ? [`${NUMBER.format(connected - acknowledged)} did not say so`] : []),
  ];
  return style[complete ? 'good' : 'warn'](
    [`${parts.join('; ')}.`, ...staleTexts(delivery), ...delivery.silent.map(silentText), ...delivery.ended.map(endedText)].join('\n'),
  );
}

/** What is so, and what is not known, while nothing answers with flags. */
function nobodyText({ environment, key }: Pick<ShownFlag, 'environment' | 'key'>): string {
  return `That is so in the store. Who has it nobody can say, for no server process runs: start \`slipway serve\`, then ask \`slipway flag show ${key} --env ${environment}\`.`;
}

/** Nobody connected does not mean that nobody uses the flag. */
function unconnectedText(allHave: boolean): string {
  const none = 'No client of @slipway/flags is connected';
  return allHave ? `${none}; every server process answers with it, so clients that ask by OFREP have it with their next question` : none;
}

/** Those that lost a server process, and may not have found another one yet. */
function endedText({ process, host, pid, clients, at, until }: Ended): string {
  return `${count(clients, 'client')} of ${serverName({ process, host, pid })}, which had ended by ${toIso(at)}, may be without it: they come back to another one within a minute. Ask \`slipway flag show\` after ${toIso(until)}.`;
}

/** Those that had lost a server process when the kill was made, or since, and of whom nothing is known any more. */
function lostText({ process, host, pid, clients, at, named }: Lost): string {
  const who = `${count(clients, 'client')} of ${serverName({ process, host, pid })}, which answers no more since ${toIso(at)}`;
  if (named) return `${who}, did not come back to another one: ${MAY_SERVE}`;
  return `${who} and could not name them, may not have come back to another one, as far as is known: ${MAY_SERVE}`;
}

const MAY_SERVE = 'what was known there may still be served.';

/** What is known of a server process that says nothing any more, and what to do. */
function silentText({ process, host, pid, since, until }: Silent): string {
  const who = host === null ? `A server process of an older build (${process})` : `The server process ${pid} on ${host}`;
  const look =
    host === null
      ? ''
      : ` End it there, or, when it has ended already, run \`slipway flag show\` on ${host}. If that machine is gone, say so: \`slipway flag server-gone ${shortId({ process })} --reason ...\`.`;
  return `${who} is silent since ${toIso(since)}: it may go on answering without the change until ${toIso(until)}.${look}`;
}

const NUMBER = new Intl.NumberFormat('en-US');

function reachedText(acknowledged: number, connected: number, lastMs: number | null): string {
  const took = lastMs === null ? '' : ` in ${formatDuration(lastMs)}`;
  return `${NUMBER.format(acknowledged)} of ${NUMBER.format(connected)} clients have it${took}`;
}

/** Who has not said that they have it, as far as that is known: for whoever has to find them, one in a line. */
function staleTexts({ connected, acknowledged, stale }: Delivery): readonly string[] {
  if (stale.length === 0) return [];
  const unnamed = connected - acknowledged - stale.length;
  const more = unnamed > 0 ? [`${NUMBER.format(unnamed)} more ${unnamed === 1 ? 'is' : 'are'} not named.`] : [];
  return [...stale.map(staleText), ...more, STALE_ADVICE];
}

const STALE_ADVICE = 'Each may go on with what it had. Its log, or its `status().problem`, says why.';

function staleText({ client, since, from, comesBy }: Delivery['stale'][number]): string {
  const who = from === null ? '' : ` at ${plain(from.address)}, with the token ${from.token.id}${descriptionText(from.token)},`;
  const told = `The client ${plain(client)}${who}`;
  if (comesBy === undefined) return `${told} is silent since ${toIso(since)}.`;
  return `${told} has no stream, for its server process had no place for one, and asks again by ${toIso(comesBy)}.`;
}

function descriptionText({ description }: { readonly description: string }): string {
  return description === '' ? '' : ` (${plain(description)})`;
}
