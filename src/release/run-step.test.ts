import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../test/store/support.ts';
import { fakeClock, type FakeClock } from '../../test/workers/clock.ts';
import { aStep, PASS, plainEffects, scriptedPlan, untilStopped } from '../../test/workers/rig.ts';
import { SlipwayError } from '../kernel/index.ts';
import type { EventData } from './core/events.ts';
import type { Step } from './core/plan.ts';
import type { StepExecutor } from './ports.ts';
import { runStep } from './run-step.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-step-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Setting {
  readonly clock?: FakeClock;
  readonly signal?: AbortSignal;
  readonly step?: Partial<Step>;
  readonly redact?: (text: string) => string;
}

async function run(executor: StepExecutor | undefined, setting: Setting = {}): Promise<EventData['step.finished']> {
  const { clock = fakeClock(), signal = new AbortController().signal, redact = (text) => text } = setting;
  const step = aStep('test.run', setting.step);
  const plan = scriptedPlan([step]);
  const intended = {
    type: 'step.intended',
    seq: 1,
    time: clock.now(),
    actor: 'w',
    data: { step: step.id, stage: 'test', attempt: 1, key: 'k' },
  } as const;
  const event = await runStep(
    { plan, step, attempt: 1, key: 'k', fence: 1, events: [intended], signal, asked: new AbortController().signal },
    executor,
    { ...plainEffects(clock), redact },
    folder,
  );
  if (event.type !== 'step.finished') throw new Error(`not an outcome: ${event.type}`);
  return event.data;
}

/** The step's time runs; before that, files are opened in real time. */
function begun(clock: FakeClock): Promise<boolean> {
  return eventually('the step has begun', () => clock.sleepers() > 0);
}

describe('running a step', () => {
  it('records what the executor answered, with the log it wrote', async () => {
    const outcome = await run(async ({ note }) => {
      note('hello');
      return {
        verdict: 'fail',
        reason: 'three tests failed',
        retry: true,
        facts: { failed: 3 },
        checks: [{ name: 'unit', verdict: 'fail', reason: 'x' }],
      };
    });
    expect(outcome).toMatchObject({
      step: 'test.run',
      attempt: 1,
      verdict: 'fail',
      reason: 'three tests failed',
      retry: true,
      facts: { failed: 3 },
      checks: [{ name: 'unit' }],
      log: { name: '01-test.run-1.log' },
    });
    const log = readFileSync(join(folder, '01-test.run-1.log'), 'utf8');
    expect(log).toContain('hello');
    expect(log).toContain('fail: three tests failed');
  });

  it.each<[string, StepExecutor]>([
    ['rejects', () => Promise.reject(new TypeError('x is not a function'))],
    [
      'throws before it waits for anything',
      () => {
        throw new TypeError('x is not a function');
      },
    ],
    // eslint-disable-next-line prefer-promise-reject-errors -- somebody's library does
    ['rejects with no error at all', () => Promise.reject('x is not a function')],
  ])('takes a step that %s for unknown', async (_how, executor) => {
    expect(await run(executor)).toMatchObject({ verdict: 'unknown', retry: false, reason: 'internal error: x is not a function' });
  });

  it('tries again what a peer that is away refused, and nothing else', async () => {
    const refusing = (code: 'agent_unreachable' | 'client_tool_missing') => run(() => Promise.reject(new SlipwayError(code, 'no')));
    expect(await refusing('agent_unreachable')).toMatchObject({
      verdict: 'unknown',
      retry: true,
      reason: 'no (agent_unreachable). Start it with `slipway agent start`.',
    });
    expect(await refusing('client_tool_missing')).toMatchObject({ verdict: 'unknown', retry: false });
  });

  it.each(['a-kind-of-tomorrow', 'observe'])('answers unknown for the kind "%s" nobody here knows', async (kind) => {
    expect(await run(undefined, { step: { kind: kind as Step['kind'] } })).toMatchObject({
      verdict: 'unknown',
      reason: `this build of Slipway does not know the step kind "${kind}"`,
    });
  });

  it('stops a step that is out of time', async () => {
    const clock = fakeClock();
    const outcome = run(
      async (context) => {
        await untilStopped(context);
        throw new Error('cut off');
      },
      { clock, step: { timeoutMs: 5_000 } },
    );
    await begun(clock);
    await clock.advance(5_000);
    expect(await outcome).toMatchObject({ verdict: 'unknown', reason: 'it took longer than 5 s and was stopped' });
  });

  it('does not wait for ever for a step that does not stop', async () => {
    const clock = fakeClock();
    let over = false;
    const outcome = run(() => new Promise(() => undefined), { clock, step: { timeoutMs: 5_000 } }).finally(() => (over = true));
    await begun(clock);
    await clock.advance(34_999);
    expect(over).toBe(false);
    await clock.advance(1);
    expect(await outcome).toMatchObject({ verdict: 'unknown', reason: 'it took longer than 5 s and was stopped' });
  });

  it('says who stopped it', async () => {
    const clock = fakeClock();
    const outcome = run(() => new Promise(() => undefined), { clock, signal: AbortSignal.abort(new Error('abort.requested by ann')) });
    await begun(clock);
    await clock.advance(30_000);
    expect(await outcome).toMatchObject({ verdict: 'unknown', reason: 'stopped: abort.requested by ann' });
  });

  it.each<[string, StepExecutor, AbortSignal | undefined]>([
    ['an effect was refused by its fence', () => Promise.reject(new SlipwayError('fenced', 'a later claim')), undefined],
    [
      'the lease ended under it',
      async ({ signal }) => Promise.reject(new Error(String(signal.aborted))),
      AbortSignal.abort(new SlipwayError('fenced', 'the lease ended')),
    ],
  ])('answers nothing when %s', async (_why, executor, signal) => {
    await expect(run(executor, signal === undefined ? {} : { signal })).rejects.toMatchObject({ code: 'fenced' });
  });

  it('leaves nothing behind: no timer, no open file', async () => {
    const clock = fakeClock();
    const mine = (): number => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(folder)).length;
    await run(async () => PASS, { clock, step: { timeoutMs: 3_600_000 } });
    await run(() => Promise.reject(new SlipwayError('fenced', 'gone')), { clock }).catch(() => undefined);
    expect(clock.sleepers()).toBe(0);
    expect(mine()).toBe(0);
  });

  it('gives a step of a month its month: the longest timer is shorter', async () => {
    const clock = fakeClock();
    const asked: number[] = [];
    await run(async () => PASS, {
      clock: { ...clock, sleep: (ms, signal) => (asked.push(ms), clock.sleep(ms, signal)) },
      step: { timeoutMs: 40 * 86_400_000 },
    });
    expect(Math.max(...asked)).toBeLessThan(2 ** 31);
  });

  it('hides secrets in everything it records', async () => {
    const outcome = await run(
      async () => ({
        verdict: 'fail',
        reason: 'bad hunter22',
        facts: { url: 'pg://x:hunter22@h' },
        checks: [{ name: 'c', verdict: 'fail', reason: 'hunter22' }],
      }),
      { redact: (text) => text.replaceAll('hunter22', '***') },
    );
    expect(JSON.stringify(outcome)).not.toContain('hunter22');
    expect(readFileSync(join(folder, '01-test.run-1.log'), 'utf8')).not.toContain('hunter22');
  });
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
