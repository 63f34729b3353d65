import { OUTCOME_EXITS } from '../../output/outcome.ts';
import type { CommandSpec } from '../spec.ts';
import { ANY_ENV, ENV, PIN, RELEASE, SERVICE } from './common.ts';

const NOT_FOUND = [3, 'there is no such release, or several begin like that'] as const;

/** Commands that only look. */
export const LOOK_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'watch',
    purpose: 'Watch a release live; of one that is over, show how it went.',
    args: [RELEASE],
    options: [ENV],
    notes:
      'Ends when the release has ended and its evidence is sealed or could not be, or when it is stuck; the exit code tells the outcome.',
    examples: [
      { line: 'slipway watch', what: 'the release in flight here, else the newest' },
      { line: 'slipway watch 01k9', what: 'a certain one' },
      { line: 'slipway watch --json', what: 'its events as they come, for a program' },
    ],
    exits: [NOT_FOUND, ...OUTCOME_EXITS, [130, 'Ctrl-C: no longer watching; the release goes on']],
    json: 'one document per line: {"kind":"event", event}, then {"kind":"result", release, service, verdict, outcome, alreadyServes, because, remarks, rollback, stuck, evidence, unsealedBecause, exit}; of a set the lines of all its releases, each event with its "service", and {"kind":"set", set, releases, verdict, exit} as the last',
    load: async () => (await import('../watch.ts')).run,
  },
  {
    path: 'list',
    purpose: 'List releases, newest first.',
    options: [ANY_ENV, SERVICE, { flags: '--limit <number>', what: 'how many (default: 20)' }],
    examples: [
      { line: 'slipway list', what: 'the newest 20' },
      { line: 'slipway list --env prd --limit 100', what: 'of one environment' },
    ],
    exits: [[3, 'nothing of that service or environment was released, and something else was']],
    json: '{ releases: [{ release, kind, service, environment, version, status, requestedBy, requestedAt, finishedAt, driver, leaseUntil, sealed, unsealedBecause }] }',
    load: async () => (await import('../list.ts')).run,
  },
  {
    path: 'status',
    purpose: 'Show what serves now, who holds the lock, what is in flight and what runs.',
    options: [ANY_ENV, SERVICE],
    examples: [
      { line: 'slipway status', what: 'every service and environment released from here' },
      { line: 'slipway status --env prd', what: 'one environment' },
    ],
    exits: [[3, 'nothing of that service or environment was released, and something else was']],
    json: '{ agent, set, places: [{ service, environment, serving, lock, inFlight, unsealed, running }] }; "running" is null when no agent answers; "set" is { name, services, whole, reason } where slipway.yaml declares one, else absent',
    load: async () => (await import('../status.ts')).run,
  },
  {
    path: 'replay',
    purpose: 'Judge a canary again from the recorded counts; ask what another policy would have decided.',
    args: [RELEASE],
    options: [ENV, { flags: '--policy <file>', what: 'a slipway.yaml whose `strategy` says how to judge instead' }],
    examples: [
      { line: 'slipway replay', what: 'the release in flight here, else the newest' },
      { line: 'slipway replay 01k9 --policy strict.yaml', what: 'what stricter limits would have done' },
    ],
    exits: [NOT_FOUND, [4, 'the release has no canary that was judged'], [14, 'a verdict is not the recorded one']],
    json: '{ release, identical, badRequests, looks: [{ step, weight, at, recorded, verdict, because, same }], other: { verdict, because, failed: { step, weight, at, badRequests } | null } | null }',
    load: async () => (await import('../replay.ts')).run,
  },
  {
    path: 'simulate',
    purpose: 'Ask before a release whether its canary would catch what goes wrong: how surely, how soon, at what cost.',
    options: [
      ENV,
      { flags: '--traffic <number>', what: 'requests per minute to the service' },
      { flags: '--baseline <share>', what: 'share of them that fails already (default: 0.5%)' },
      {
        flags: '--from <source>',
        what: 'take both from an earlier release with a canary, or from what the running router counted: router',
      },
      { flags: '--errors <shares>', what: 'what the canary fails, one simulation for each (default: 1%,2%,10%)' },
      { flags: '--after <time>', what: 'it turns bad so long after its first request (default: 0s)' },
      { flags: '--policy <file>', what: 'a slipway.yaml whose `strategy` says how to judge (default: the one here)' },
      { flags: '--schedule <weights>', what: 'other weights and times: 5%:1h,25%:3h' },
      { flags: '--within <time>', what: 'when the question ends (default: with the schedule)' },
      { flags: '--runs <number>', what: 'simulated canaries of each kind, 10 to 10000 (default: what takes some seconds)' },
      { flags: '--seed <number>', what: 'repeat an earlier simulation (default: fresh, and printed)' },
      { flags: '--svg <file>', what: 'write the plot there' },
    ],
    notes:
      'Changes nothing, and needs no release and no agent. Without --traffic and --from it asks the router, if one runs here. "harmed" are requests that failed because they reached the canary, on average; "let through" were promoted though bad.',
    examples: [
      { line: 'slipway simulate --traffic 600', what: 'with the policy of slipway.yaml here' },
      { line: 'slipway simulate --traffic 12 --errors 5%,50% --schedule 10%:1h,50%:1h', what: 'a quiet service, another schedule' },
      {
        line: 'slipway simulate --from 01k9 --policy strict.yaml --svg plot.svg',
        what: "on an earlier release's traffic, by other limits",
      },
    ],
    exits: [
      [3, 'there is no such release'],
      [4, 'nothing was counted there'],
    ],
    json: '{ runs, seed, perMinute, baseline, withinMs, onsetMs, schedule, judge, notes, svg, healthy, canaries: [{ errors, failed, failedAtMost, passed, unknown, failMs: { median, p95 }, passMs, harmed }] }',
    load: async () => (await import('../simulate.ts')).run,
  },
  {
    path: 'show',
    purpose: 'Show one release whole: every step with its verdict, reason, time and log, what a canary was judged by, and why it ended.',
    args: [RELEASE],
    options: [ENV, { flags: '--log <step>', what: 'print the raw log of a step instead' }],
    examples: [
      { line: 'slipway show', what: 'the release in flight here, else the newest' },
      { line: 'slipway show 01k9 --log verify.smoke', what: 'what a step printed' },
    ],
    exits: [NOT_FOUND],
    json: '{ release, kind, service, environment, version, previous, strategy, requestedBy, requestedAt, status, waiting, at, last, weight, users, wayBack, wayOn, stages: [{ stage, state, steps }], outcome, alreadyServes, finishedAt, because, remarks, aborted, stuck, rollback, sealed, unsealedBecause, logs, evidence, events, decisions: [{ step, weight, canary, stable, judge, startedAt, decidedAt, verdict, reason, judgement, series: [{ metric, spanMs, spans: [{ canary: { requests, bad }, stable }] }] }] }; of a set: { set, releases: [such a document of each service] }',
    load: async () => (await import('../show.ts')).run,
  },
  {
    path: 'evidence export',
    purpose: 'Write the evidence pack of a release from the ledger.',
    args: [RELEASE],
    options: [ENV, { flags: '--out <folder>', what: 'a folder that does not exist yet (default: slipway-evidence-ID here)' }],
    examples: [
      { line: 'slipway evidence export', what: 'of the newest release, into this folder' },
      { line: 'slipway evidence export 01k9 --out pack', what: 'of a certain one' },
    ],
    exits: [NOT_FOUND, [4, 'the folder exists already'], [14, 'the ledger or a raw log was changed; nothing was written']],
    json: '{ release, verdict, directory, packKey }',
    load: async () => (await import('../evidence-store.ts')).exportEvidence,
  },
  {
    path: 'evidence verify',
    purpose: 'Check an evidence pack. A folder is checked offline, without any store or agent.',
    args: [
      {
        syntax: '[pack]',
        what: 'folder of a pack or of a proof of db prove, or the whole id of a release; by default the last sealed release slipway.yaml here is about',
      },
    ],
    options: [ENV, PIN],
    notes:
      "Without --pin the pack is compared with this installation's own keys, where it has some; else the answer is UNKNOWN, because a pack cannot vouch for its own keys.",
    examples: [
      { line: 'slipway evidence verify', what: 'of the last release here' },
      { line: 'slipway evidence verify ./pack --pin SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', what: 'as an auditor' },
      { line: 'slipway evidence verify ./pack', what: "against one's own keys" },
    ],
    exits: [
      [3, 'there is no such folder or release'],
      [4, 'the release has no sealed evidence on this machine'],
      [6, 'UNKNOWN: the pack agrees with itself, but no key was pinned'],
      [14, 'FAIL: do not trust the pack'],
    ],
    json: '{ kind: "pack" | "proof", directory, pins: "given" | "own" | "none", verdict, checks: [{ name, verdict, reason, fix? }] }',
    load: async () => (await import('../evidence.ts')).verify,
  },
  {
    path: 'evidence show',
    purpose: 'Show what a pack says about its release, and whether it holds.',
    args: [{ syntax: '[release]', what: 'id of a release, or the folder of a pack' }],
    options: [ENV, PIN],
    examples: [
      { line: 'slipway evidence show', what: 'of the newest release' },
      { line: 'slipway evidence show ./pack', what: 'of a pack somebody sent' },
    ],
    exits: [
      NOT_FOUND,
      [4, 'the release has no sealed evidence yet'],
      [6, 'UNKNOWN: the pack agrees with itself, but no key was pinned'],
      [14, 'FAIL: do not trust the pack'],
    ],
    json: '{ directory, pins, summary, verdict, checks }',
    load: async () => (await import('../evidence.ts')).showPack,
  },
];
