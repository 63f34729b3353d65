import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createIntake } from '../../packages/flags/src/client/intake.ts';
import { createTrust } from '../../packages/flags/src/client/trust.ts';
import type { Flag, FlagSet, Segment } from '../../packages/flags/src/core/definition.ts';
import { deltaDocument, encodeSnapshot, snapshotDocument, type FlagChange, type FlagWrite } from '../../src/flags/index.ts';
import { aSwitch, newSigner } from './scripted-server.ts';

const KEYS = ['a', 'b', 'c', '__proto__', 'constructor'];
const flag = fc.boolean().map((enabled): Flag => aSwitch(enabled));
const segment = fc.string().map((description): Segment => ({ description, when: { all: [] } }));
const write = fc.oneof(
  fc.record({ kind: fc.constant('flag' as const), key: fc.constantFrom(...KEYS), before: fc.constant(null), after: fc.option(flag) }),
  fc.record({ kind: fc.constant('segment' as const), key: fc.constantFrom(...KEYS), before: fc.constant(null), after: fc.option(segment) }),
);
/** What is written by each change; nothing twice in one. */
const changes = fc.array(fc.uniqueArray(write, { minLength: 1, maxLength: 4, selector: ({ kind, key }) => `${kind} ${key}` }), {
  maxLength: 8,
});

function changeOf(seq: number, writes: readonly FlagWrite[]): FlagChange {
  return { environment: 'dev', seq, at: 0, actor: 'ann', reason: 'test', action: 'change', acknowledge: false, writes };
}

/** The flags after a change, in the plainest way. */
function after(set: FlagSet, change: FlagChange): FlagSet {
  const flags = new Map(Object.entries(set.flags));
  const segments = new Map(Object.entries(set.segments));
  for (const { kind, key, after } of change.writes) {
    const all: Map<string, unknown> = kind === 'flag' ? flags : segments;
    if (after === null) all.delete(key);
    else all.set(key, after);
  }
  return { ...set, seq: change.seq, flags: Object.fromEntries(flags), segments: Object.fromEntries(segments) };
}

it('a signed snapshot and any deltas after it are the snapshot of their end, whatever comes twice', async () => {
  const signer = newSigner();
  const empty: FlagSet = { format: 1, environment: 'dev', seq: 0, flags: {}, segments: {} };
  await fc.assert(
    fc.asyncProperty(changes, fc.nat(8), fc.array(fc.nat(8), { maxLength: 4 }), async (writes, join, again) => {
      const all = writes.map((some, index) => changeOf(index + 1, some));
      const states = [empty];
      for (const change of all) states.push(after(states.at(-1) ?? empty, change));
      const from = states[Math.min(join, all.length)] ?? empty;
      const intake = createIntake({
        trust: createTrust([signer.key]),
        environment: 'dev',
        applied: () => undefined,
        refused: ({ why }) => expect.unreachable(why),
        wantsWhole: () => false,
      });
      await intake.take(signer.sign(snapshotDocument(from, signer)));
      for (const change of all.slice(from.seq)) {
        await intake.take(signer.sign(deltaDocument(change)));
        for (const seq of again) {
          const known = all[seq - 1];
          if (known !== undefined && seq <= change.seq) await intake.take(signer.sign(deltaDocument(known)));
        }
      }
      const wanted = snapshotDocument(states.at(-1) ?? empty, signer);
      const { kind: _kind, keys: _keys, tag, ...set } = wanted;
      expect(intake.set()).toEqual(set);
      expect(intake.etag()).toBe(encodeSnapshot(wanted.seq, tag, '').etag);
    }),
    { numRuns: 60 },
  );
});

it('clients are sent what decides, not who answers for it', () => {
  const owned = aSwitch(true, { about: { ...aSwitch(true).about, owner: 'ann', description: 'a secret plan' } });
  const set: FlagSet = { format: 1, environment: 'dev', seq: 1, flags: { a: owned }, segments: {} };
  const delta = deltaDocument(changeOf(2, [{ kind: 'flag', key: 'a', before: null, after: owned }]));
  for (const document of [snapshotDocument(set, newSigner()), delta]) expect(JSON.stringify(document)).not.toMatch(/ann|secret/);
});
