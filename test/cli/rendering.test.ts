import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventLine } from '../../src/cli/output/events.ts';
import { createLog, levelFrom } from '../../src/cli/output/log.ts';
import { exitOf, verdictOfOutcome } from '../../src/cli/output/outcome.ts';
import { renderPlan } from '../../src/cli/output/plan.ts';
import { renderProgress, renderRelease } from '../../src/cli/output/progress.ts';
import { viewOf } from '../../src/cli/output/release-view.ts';
import { createStyle, verdictWord } from '../../src/cli/output/style.ts';
import { fit, table, visibleWidth, wrap } from '../../src/cli/output/table.ts';
import { createTerminal } from '../../src/cli/output/terminal.ts';
import { createRedactor } from '../../src/kernel/index.ts';
import type { ReleaseEvent, StoredRelease } from '../../src/release/index.ts';
import { simulate, type Twist } from '../release/simulate.ts';
import { needingApproval } from './support.ts';
import { aMigration, aPlan } from '../support/plan.ts';

const plain = createStyle(false);
const NOW = 2_000_000;

function storedOf(events: readonly ReleaseEvent[], sealed = false): StoredRelease {
  const summary = {
    release: '01new',
    kind: 'release',
    service: 'shop',
    environment: 'dev',
    version: '1.1.0',
    status: 'running',
    requestedBy: 'ann',
    requestedAt: 1_000_000,
    finishedAt: null,
    driver: null,
    leaseUntil: null,
    sealed,
    unsealedBecause: null,
  } as const;
  return { summary, events, entries: [] };
}

const fail: Twist = { kind: 'outcome', verdict: 'fail', retry: false, half: false };
const liveAt = (plan: ReturnType<typeof aPlan>): number =>
  simulate(plan, []).actions.findIndex(({ action }) => action.do === 'run' && action.step.id === 'verify.live');
/** Fails the first step of `kind` that runs. */
function failAt(step: string): readonly ReleaseEvent[] {
  const { actions } = simulate(aPlan(), []);
  const at = actions.findIndex(({ action }) => action.do === 'run' && action.step.id === step);
  return simulate(aPlan(), [...Array.from({ length: at }, () => null), fail]).events;
}

describe('a release', () => {
  it('of every prefix of its ledger has a view that fits its width and tells no more than happened', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 40, max: 160 }),
        fc.constantFrom('verify.smoke', 'deploy.switch', 'test.run'),
        (cut, width, step) => {
          const all = failAt(step);
          const view = viewOf(storedOf(all.slice(0, 1 + (cut % all.length))), NOW);
          for (const line of renderProgress(view, NOW, width, plain).split('\n')) expect(visibleWidth(line)).toBeLessThanOrEqual(width);
          const begun = new Set(
            all.slice(0, 1 + (cut % all.length)).flatMap((event) => (event.type === 'step.intended' ? [event.data.step] : [])),
          );
          for (const stage of view.stages)
            for (const one of stage.steps) if (!begun.has(one.id)) expect(['pending', 'skipped']).toContain(one.state);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('under way shows the step that runs and how long it has', () => {
    const all = simulate(aPlan(), []).events;
    const at = all.findIndex((event) => event.type === 'step.intended' && event.data.step === 'verify.smoke');
    const began = all[at]?.time ?? 0;
    const text = renderProgress(viewOf(storedOf(all.slice(0, at + 1)), NOW), began + 65_000, 100, plain);
    expect(text).toMatch(/▸ verify {5}1m05s\n {4}▸ 1m05s smoke 1\.1\.0 before users reach it/);
    expect(text).toContain('✓ preflight');
    expect(text).toContain('· observe');
  });

  it('that failed says why, in every form', () => {
    const view = viewOf(storedOf(failAt('verify.smoke')), NOW);
    expect(view).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining('verify.smoke failed') });
    expect(renderProgress(view, NOW, 100, plain)).toContain('ended: rolled-back');
    expect(renderRelease(view, '/logs', plain)).toContain('✗ verify.smoke');
    expect(exitOf(view)).toBe(11);
  });

  it('that waits for approval says for whom and how', () => {
    const { events } = simulate(needingApproval(2), []);
    expect(viewOf(storedOf(events), NOW).waiting).toBe('approval by 2 people other than ann: slipway approve 01new');
  });

  it('that is paused says who paused it and why', () => {
    const pause: Twist = { kind: 'person', event: { type: 'pause.requested', data: { reason: 'lunch' } } };
    const { events } = simulate(aPlan(), [null, null, pause]);
    expect(viewOf(storedOf(events), NOW).waiting).toBe('somebody to resume it: slipway resume 01new (paused by bob: lunch)');
  });

  it('whose worker is gone says so, and only then', () => {
    const stored = storedOf(simulate(aPlan(), []).events.slice(0, 8));
    const driven = (leaseUntil: number) => viewOf({ ...stored, summary: { ...stored.summary, driver: 'd', leaseUntil } }, NOW).waiting;
    expect(driven(NOW)).toBeNull();
    expect(driven(NOW - 60_000)).toMatch(/^a worker: .* not been heard of since .*slipway agent start/);
  });

  it('that is stuck says how it can be sent back, and what that costs', () => {
    const plan = aPlan({ migrations: [aMigration('restore')] });
    const stuck = (one: typeof plan) => {
      const { events } = simulate(one, [...Array.from({ length: liveAt(one) }, () => null), fail]);
      return viewOf(storedOf(events), NOW);
    };
    expect(stuck(plan)).toMatchObject({
      users: 'new',
      wayBack: 'slipway rollback 01new --reason TEXT --accept-data-loss',
      stuck: {
        reason: expect.stringMatching(
          /since deploy\.switch at 1970-01-01T.*`slipway rollback 01new --accept-data-loss`, or repair forward: `slipway abort 01new --accept/,
        ) as string,
      },
    });
    const usual = aPlan();
    expect(stuck({ ...usual, rollback: { ...usual.rollback, automatic: false } })).toMatchObject({
      users: 'new',
      wayBack: 'slipway rollback 01new --reason TEXT',
    });
  });

  it('exit codes follow the outcome', () => {
    const { rollback } = viewOf(storedOf(simulate(aPlan(), []).events), NOW);
    const view = { outcome: null, stuck: null, aborted: false, unsealedBecause: null, alreadyServes: false, rollback };
    const late = { ...rollback, time: { tookMs: 2, targetMs: 1, verdict: 'fail' } } as const;
    expect(exitOf({ ...view, outcome: 'released', rollback: late })).toBe(16);
    expect(exitOf({ ...view, outcome: 'rolled-back', rollback: late })).toBe(11);
    expect(verdictOfOutcome({ ...view, outcome: 'released', rollback: late })).toBe('fail');
    expect(exitOf({ ...view, outcome: 'released' })).toBe(0);
    expect(exitOf({ ...view, outcome: 'released', unsealedBecause: 'no room' })).toBe(15);
    expect(exitOf({ ...view, outcome: 'rolled-back', unsealedBecause: 'no room' })).toBe(11);
    expect(exitOf({ ...view, outcome: 'unchanged' })).toBe(10);
    expect(exitOf({ ...view, outcome: 'unchanged', alreadyServes: true })).toBe(0);
    expect(exitOf({ ...view, outcome: 'unchanged', aborted: true })).toBe(13);
    expect(exitOf({ ...view, outcome: 'rolled-back', aborted: true })).toBe(11);
    expect(exitOf({ ...view, outcome: 'accepted' })).toBe(10);
    expect(exitOf({ ...view, stuck: { step: null, reason: 'x' } })).toBe(12);
  });

  it('event lines tell what people need, not what machines do', () => {
    const lines = failAt('verify.smoke').map((event) => eventLine(event, plain));
    expect(lines.some((line) => line?.includes('✗ verify.smoke fail'))).toBe(true);
    expect(lines.some((line) => line?.includes('rolling back: verify.smoke failed'))).toBe(true);
    const claimed: ReleaseEvent = { type: 'driver.claimed', data: { driver: 'd', fence: 1, takeover: false }, seq: 1, time: 0, actor: 'd' };
    expect(eventLine(claimed, plain)).toBeNull();
  });
});

describe('a plan', () => {
  it('names the change, steps with skips, migrations with class, the way back, and what would block', () => {
    const reason = '20260101000000_change is of class "restore": test';
    const plan = aPlan({
      migrations: [aMigration('restore')],
      skips: { test: 'ran in CI' },
      findings: [{ name: 'rollback class', verdict: 'pass', reason }],
    });
    const text = renderPlan(
      { plan, checks: [{ name: 'disk', verdict: 'fail', reason: 'full', fix: 'free some' }], verdict: 'fail', blocking: ['disk'] },
      100,
      plain,
    );
    for (const said of [
      'shop 1.0.0 -> 1.1.0 in dev',
      'would be 01new',
      'skipped: ran in CI',
      `  ${reason}`,
      'Point of no return: deploy.switch',
      '✗ FAIL     disk  full',
      'fix: free some',
      'would be blocked by disk',
    ])
      expect(text).toContain(said);
  });

  it('claims nothing about a database that could not be asked', () => {
    const away = { name: 'database', verdict: 'unknown', reason: 'connection refused', fix: 'start it' } as const;
    const plan = aPlan({ migrations: null, findings: [away] });
    const text = renderPlan({ plan, checks: [], verdict: 'unknown', blocking: [] }, 200, plain);
    for (const said of [
      'apply the pending migrations (which ones is not known)',
      'UNKNOWN: which migrations are pending is not known: connection refused',
      'Point of no return: UNKNOWN',
      'whether data must be brought back as well is not known',
      'which decide it, are not known',
    ])
      expect(text).toContain(said);
    for (const claim of ['0 migrations', 'No point of no return', 'never loses']) expect(text).not.toContain(claim);
    expect(plan.rollback).toMatchObject({ unknown: 'which migrations are pending is not known: connection refused' });
    expect(plan.steps.find(({ kind }) => kind === 'migrate')?.input['expect']).toBeNull();
    expect(aPlan().rollback).not.toHaveProperty('unknown');
  });
});

describe('text', () => {
  it('wrapped is the same words in lines that fit, unless a word does not', () => {
    const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom('a', 'é', 'z') });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 20, max: 80 }), (words, width) => {
        const lines = wrap(words.join(' '), width).split('\n');
        expect(lines.join(' ')).toBe(words.join(' '));
        for (const line of lines) expect(visibleWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('tables line up, colours not counted; a cut line says so', () => {
    const red = createStyle(true).bad;
    expect(visibleWidth(red('abc'))).toBe(3);
    expect(
      table([
        ['a', red('bb'), 'c'],
        ['aaa', 'b', 'c'],
      ])
        .split('\n')
        .map(visibleWidth),
    ).toEqual([10, 10]);
    expect(fit('abcdef', 4)).toBe('abc…');
    expect(fit('abcd', 4)).toBe('abcd');
  });

  it('verdicts are words and signs, with and without colour', () => {
    expect(verdictWord('unknown', plain)).toBe('? UNKNOWN');
    expect(verdictWord('pass', createStyle(true))).toBe('\u001B[32m✓ PASS\u001B[39m');
  });
});

describe('the terminal', () => {
  const make = (environment: Record<string, string>, isTTY: boolean, json = false) => {
    const written = { out: '', err: '' };
    const terminal = createTerminal({
      stdout: { isTTY, columns: 10, write: (text) => (written.out += text) },
      stderr: { write: (text) => (written.err += text) },
      environment,
      json,
      redact: createRedactor(['hunter2-horse']),
    });
    return { terminal, written };
  };

  it('colours only a terminal, and not with NO_COLOR', () => {
    const coloured = (environment: Record<string, string>, tty: boolean): boolean => make(environment, tty).terminal.style.bad('x') !== 'x';
    expect([
      coloured({}, true),
      coloured({}, false),
      coloured({ NO_COLOR: '1' }, true),
      coloured({ TERM: 'dumb' }, true),
      coloured({ NO_COLOR: '' }, true),
    ]).toEqual([true, false, false, false, true]);
    expect([make({}, true).terminal.live, make({}, true, true).terminal.live, make({}, false).terminal.live]).toEqual([true, false, false]);
    expect(make({}, true).terminal.width).toBe(40);
  });

  it('hides secrets in text and in documents, which stay documents', () => {
    const { terminal, written } = make({}, false, true);
    terminal.say('it is hunter2-horse');
    terminal.note('password=abcdef');
    terminal.data({ password: 'x', text: 'password="quoted value"' });
    expect(written.out).not.toMatch(/hunter2|quoted/);
    expect(written.err).toBe('password=[redacted]\n');
    expect(JSON.parse(written.out.split('\n')[1] ?? '')).toMatchObject({ text: expect.any(String) });
  });
});

describe('the log', () => {
  it('is one redacted JSON object per line, from a level on', () => {
    const lines: string[] = [];
    const log = createLog({
      clock: { now: () => 0 },
      redact: createRedactor(['hunter2-horse']),
      level: 'info',
      write: (line) => lines.push(line),
    });
    log('debug', 'not this');
    log('warn', 'this hunter2-horse', { deep: ['hunter2-horse'], error: 'x\ny' });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'this [redacted]', deep: ['[redacted]'], error: 'x\ny' },
    ]);
    expect(lines[0]?.split('\n').length).toBe(2);
    expect([levelFrom('debug', null), levelFrom('loud', 'info'), levelFrom(undefined, null)]).toEqual(['debug', 'info', null]);
  });
});
