import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Flag } from '../../packages/flags/src/core/definition.ts';
import { nextRamp, outlookOf } from '../../src/release/core/ramps/next.ts';
import { actorOf, EVERYBODY } from '../../src/release/core/ramps/ramp.ts';
import { flagAt, RAMP_RULE, whyNot } from '../../src/release/core/ramps/shape.ts';
import { foldRamp } from '../../src/release/core/ramps/state.ts';
import { parseSteps, stepText } from '../../src/release/core/ramps/steps.ts';
import { OFF_FLAG } from '../support/flag.ts';
import { incidents, rampPlan, RampWorld, stepsOf, type Incident } from './ramp-world.ts';

const HOUR = 3_600_000;
const RUNS = { numRuns: 1_500 };
const RAMP = actorOf('r1');

function play(schedule: readonly Incident[]): RampWorld {
  const world = new RampWorld();
  for (const incident of schedule) {
    world.happen(incident);
    world.drive();
  }
  return world;
}

/** Lets everything settle: no more crashes, time goes on, a person lets it go on. */
function settle(world: RampWorld): RampWorld {
  for (let turn = 0; turn < 200 && world.state().ended === null; turn++) {
    world.now += 60_000;
    if (world.state().paused !== null) world.wish('resume');
    world.drive();
  }
  return world;
}

/** How many people of a hundred thousand have the variant, beside those of the segment; -1: nobody at all. */
function reach(flag: Flag | null): number {
  if (flag === null || !flag.enabled) return -1;
  if ('variant' in flag.default && flag.default.variant === 'on') return EVERYBODY;
  const when = flag.rules.find(({ name }) => name === RAMP_RULE)?.when;
  if (when === undefined) return -1;
  const parts = 'any' in when ? when.any : [when];
  return Math.max(0, ...parts.map((one) => ('percentage' in one ? one.percentage : 0)));
}

describe('a ramp, in virtual time', () => {
  it('goes through its steps, each for its time, and ends with everybody', () => {
    const world = new RampWorld();
    const began = world.now;
    settle(world);
    expect(world.state().ended).toMatchObject({ outcome: 'completed' });
    expect(world.written.map(({ flag }) => reach(flag))).toEqual(
      [-1, 0, 1_000, 10_000, 50_000, EVERYBODY].filter((_, index) => index > 0 || world.written.length === 6),
    );
    expect(world.now - began).toBeGreaterThanOrEqual(HOUR + 26 * 60_000);
    expect(world.stored?.flag).toMatchObject({ enabled: true, rules: [], default: { variant: 'on' } });
  });

  it('never gives the variant to more people without a pass after the time of the step, or a person', () => {
    fc.assert(
      fc.property(incidents, (schedule) => {
        const world = play(schedule);
        for (const [index, event] of world.events.entries()) {
          if (event.type !== 'step.begun') continue;
          const before = foldRamp(world.events.slice(0, index));
          const { set, look, promoted, plan } = before;
          if (set === null) expect(event.data.index).toBe(0);
          else if (event.data.index > set.index) {
            expect(event.data.index).toBe(set.index + 1);
            const step = plan.steps[set.index];
            const passed = look?.verdict === 'pass' && look.at >= set.at + (step?.forMs ?? 0);
            expect(passed || promoted?.index === set.index || step?.kind === 'off').toBe(true);
            expect(before.paused).toBeNull();
          }
        }
        // And the flag itself: what the ramp wrote is a step it had begun.
        for (const { by, flag, size } of world.written) {
          if (by !== RAMP) continue;
          const { open, reversing, plan } = foldRamp(world.events.slice(0, size));
          const step = open === null ? undefined : plan.steps[open.index];
          expect(reversing !== null || step !== undefined).toBe(true);
          if (step !== undefined) expect(reach(flag)).toBe(step.kind === 'off' ? -1 : step.share);
        }
      }),
      RUNS,
    );
  });

  it('ends with the flag off whenever the gate said fail, whatever else happens, and never turns it on again', () => {
    fc.assert(
      fc.property(incidents, (schedule) => {
        const world = play(schedule);
        const failed = world.events.findIndex((event) => event.type === 'step.looked' && event.data.verdict === 'fail');
        fc.pre(failed >= 0);
        settle(world);
        const { ended } = world.state();
        expect(ended === null ? null : ['reversed', 'killed', 'gone'].includes(ended.outcome)).toBe(true);
        const after = world.written.filter(({ by, size }) => by === RAMP && size > failed);
        expect(after.every(({ flag }) => flag?.enabled === false)).toBe(true);
        if (world.stored !== null && ended?.outcome === 'reversed') expect(world.stored.flag.enabled).toBe(false);
      }),
      RUNS,
    );
  });

  it('decides the same from the same record', () => {
    fc.assert(
      fc.property(incidents, (schedule) => {
        const world = play(schedule);
        for (const { size, facts, now, action } of world.decisions)
          expect(nextRamp(foldRamp(world.events.slice(0, size)), facts, now)).toEqual(action);
      }),
      { numRuns: 300 },
    );
  });

  it('comes to rest after a few turns, however it is disturbed', () => {
    fc.assert(
      fc.property(incidents, (schedule) => {
        const world = new RampWorld();
        for (const incident of schedule) {
          world.happen(incident);
          expect(world.drive()).toBeLessThan(12);
        }
      }),
      RUNS,
    );
  });

  it('is held by unknown for as long as it takes', () => {
    const world = new RampWorld();
    world.gate = 'unknown';
    for (let turn = 0; turn < 500; turn++) {
      world.now += HOUR;
      world.drive();
    }
    expect(world.state()).toMatchObject({ ended: null, set: { index: 1 } });
    expect(outlookOf(world.state())).toMatchObject({ step: '1 % for 1h', gate: 'unknown: it says unknown' });
    world.wish('promote');
    world.drive();
    expect(world.state().set?.index).toBe(2);
  });

  it('does not end a step early, nor look without end, when the clock jumps back', () => {
    const world = new RampWorld();
    world.drive();
    world.now += 61_000;
    world.drive();
    expect(world.state().set?.index).toBe(2);
    const { size } = world.state();
    world.now -= 10 * HOUR;
    for (let turn = 0; turn < 20; turn++) world.drive();
    expect(world.state().size).toBe(size);
    expect(world.state().set?.index).toBe(2);
  });

  it('pauses when a person changes the flag, says who, and sets its step anew when it may go on', () => {
    const world = new RampWorld();
    world.drive();
    world.now += 61_000;
    world.drive();
    world.person('edit');
    world.drive();
    expect(world.state().paused).toMatchObject({ reason: expect.stringContaining('bob changed the flag') });
    const { written } = world;
    const before = written.length;
    world.now += 10 * HOUR;
    world.drive();
    expect(written).toHaveLength(before);
    world.wish('resume');
    world.drive();
    expect(world.state()).toMatchObject({ paused: null, set: { index: 2, at: world.state().lastAt } });
  });

  it('ends when the flag is killed', () => {
    const world = new RampWorld();
    world.drive();
    world.person('kill');
    world.drive();
    expect(world.state().ended).toMatchObject({ outcome: 'killed', reason: 'bob turned the flag off' });
  });

  it('goes back a step and waits there', () => {
    const world = new RampWorld();
    world.drive();
    world.now += 61_000;
    world.drive();
    world.wish('back');
    world.drive();
    expect(reach(world.stored?.flag ?? null)).toBe(0);
    world.now += 10 * HOUR;
    world.drive();
    expect(world.state()).toMatchObject({ set: { index: 1 }, paused: { reason: 'went back: because' } });
  });

  it('takes its own change for its own after a crash, and makes it once', () => {
    const world = new RampWorld();
    world.happen({ is: 'crash', at: 'acted' });
    world.drive();
    const before = world.written.length;
    expect(world.state().open).not.toBeNull();
    world.drive();
    expect(world.state().open).toBeNull();
    expect(world.written.filter(({ by }) => by === RAMP).length).toBe(before + 1);
  });
});

describe('the flag at a step', () => {
  const [, internal, one] = stepsOf(['off', 'internal', '1%', '100%']);
  const aim = { variant: 'on', internal: 'staff' };

  it('has the rule of the ramp after those of people, and gives nobody else the variant', () => {
    const mine = { name: 'not-in-eu', when: { attribute: 'region', operator: 'eq', value: 'eu' } as const, serve: { variant: 'off' } };
    const flag = { ...OFF_FLAG, rules: [mine], default: { variant: 'on' } };
    if (internal === undefined || one === undefined) throw new Error('steps');
    expect(flagAt(flag, aim, internal)).toMatchObject({
      enabled: true,
      default: { variant: 'off' },
      rules: [mine, { when: { segment: 'staff' } }],
    });
    expect(flagAt(flagAt(flag, aim, internal), aim, one).rules.map(({ name }) => name)).toEqual(['not-in-eu', 'ramp']);
  });

  it('says why it cannot be', () => {
    expect(whyNot(OFF_FLAG, { variant: 'blue', internal: null }, [], [])).toContain('it has off, on');
    expect(whyNot(OFF_FLAG, { variant: 'off', internal: null }, [], [])).toContain('nothing to ramp');
    expect(whyNot(OFF_FLAG, { variant: 'on', internal: null }, internal === undefined ? [] : [internal], [])).toContain('--internal');
    expect(whyNot(OFF_FLAG, aim, [], ['people'])).toContain('no segment "staff"');
    const own = { name: 'beta', when: { segment: 'beta' }, serve: { variant: 'on' } };
    expect(whyNot({ ...OFF_FLAG, rules: [own] }, { variant: 'on', internal: null }, [], [])).toContain('its rule "beta"');
  });
});

describe('steps', () => {
  it('are read as they are written', () => {
    expect(stepsOf(['off', 'internal', '1% for 24h', '12.5 % for 1h', '100%']).map(stepText)).toEqual([
      'off',
      'internal for 10m',
      '1 % for 1d',
      '12.5 % for 1h',
      '100 % for 10m',
    ]);
  });

  it.each([
    ['sometimes', 'is no step'],
    ['1% for ever', 'no length of time'],
    ['101%', 'at most 100%'],
    ['0%', 'above 0%'],
    ['off', 'no step gives anybody'],
  ])('refuses %s', (text, why) => expect(parseSteps([text])).toContain(why));

  it('refuses a step that is no wider than the one before', () => expect(parseSteps(['10%', '1%'])).toContain('no more than'));
});

it('a plan of a ramp is plain data', () => expect(structuredClone(rampPlan())).toEqual(JSON.parse(JSON.stringify(rampPlan()))));
