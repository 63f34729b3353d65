import type { CommandSpec } from '../spec.ts';
import { ENV, REASON, REFUSED, RELEASE } from './common.ts';

const JSON_SHAPE = '{ release, requested, by }; of a set: { set, releases: [{ release, requested, by }] }, of those it was recorded for';
const NOTES =
  'Recorded in the ledger under your name (SLIPWAY_ACTOR, else the user of this machine); the worker that drives the release acts on it. Where slipway.yaml declares a set, it is asked of every service of the set for which it makes sense.';

const AT_WORK_NOTES = `${NOTES} Without an id it is the release at work here: where others wait for it (--wait), the one that holds the service and environment. Releases of several services or environments are not guessed between: name one.`;
const ONLY_NOTES = `${NOTES} Without an id it is the only release in flight here; where there are several (some may wait for another), they are listed: name one.`;

/** Commands that ask something of a release in flight. */
export const CONTROL_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'pause',
    purpose: 'Let a release finish the step it is at, and wait.',
    args: [RELEASE],
    options: [ENV, REASON],
    notes: AT_WORK_NOTES,
    examples: [
      { line: 'slipway pause', what: 'the release in flight here' },
      { line: "slipway pause 01k9 --reason 'looking at a graph'", what: 'a certain one, saying why' },
    ],
    exits: REFUSED,
    json: JSON_SHAPE,
    load: async () => (await import('../control.ts')).pause,
  },
  {
    path: 'resume',
    purpose: 'Go on with a paused release, or try the step again at which one is stuck.',
    args: [RELEASE],
    options: [ENV, REASON],
    notes: AT_WORK_NOTES,
    examples: [
      { line: 'slipway resume', what: 'the release in flight here' },
      { line: "slipway resume 01k9 --reason 'the disk has space again'", what: 'a stuck one' },
    ],
    exits: REFUSED,
    json: JSON_SHAPE,
    load: async () => (await import('../control.ts')).resume,
  },
  {
    path: 'promote',
    purpose: 'End the checkpoint a canary is at, on your own judgement.',
    args: [RELEASE],
    options: [ENV, REASON, { flags: '--full', what: 'end all that are left: everybody is sent to the new version' }],
    notes: `${NOTES} Needed where a checkpoint says \`pause: true\`, or where there is too little traffic for a proof. A canary that fails is taken back all the same.`,
    examples: [
      { line: "slipway promote --reason 'graphs look fine'", what: 'go on to the next weight' },
      { line: "slipway promote 01k9 --full --reason 'urgent repair'", what: 'leave out the checkpoints that are left' },
    ],
    exits: REFUSED,
    json: JSON_SHAPE,
    load: async () => (await import('../control.ts')).promote,
  },
  {
    path: 'abort',
    purpose: 'Stop a release, also a stuck one, and undo what it changed; or close a stuck one as it stands.',
    args: [RELEASE],
    options: [ENV, REASON, { flags: '--accept <reason>', what: 'close a stuck release as it stands, for this reason; nothing is undone' }],
    notes: `${ONLY_NOTES} A set is aborted as a whole: not while one of its services would lose data on the way back, or is final. --accept is about one release.`,
    examples: [
      { line: 'slipway abort', what: 'the release in flight here' },
      { line: "slipway abort 01k9 --reason 'wrong version'", what: 'a certain one, saying why' },
      { line: "slipway abort 01k9 --accept 'repaired by hand, see ticket 17'", what: 'a stuck one that a person has dealt with' },
    ],
    exits: REFUSED,
    json: JSON_SHAPE,
    load: async () => (await import('../control.ts')).abort,
  },
  {
    path: 'approve',
    purpose: 'Approve (or reject) a release that waits for somebody other than its requester.',
    args: [RELEASE],
    options: [ENV, REASON, { flags: '--reject', what: 'reject it: it ends, undoing what it changed' }],
    notes: ONLY_NOTES,
    examples: [
      { line: 'slipway approve 01k9', what: 'let it go on' },
      { line: "slipway approve 01k9 --reject --reason 'not on a Friday'", what: 'end it' },
    ],
    exits: REFUSED,
    json: JSON_SHAPE,
    load: async () => (await import('../control.ts')).approve,
  },
];
