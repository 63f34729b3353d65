import { describe, expect, it } from 'vitest';
import { createFlag, killFlag, undoKill, type FlagChange, type LeftClient, type Reach } from '../../src/flags/index.ts';
import { aFlag } from '../server/bed.ts';
import { serversBed } from './servers-bed.ts';

const bed = serversBed();
const { query, rows } = bed;

describe('a process whose clients missed a kill, as far as is known', () => {
  const by = { actor: 'ann', reason: 'it burns' };
  const asked = { ...by, environment: 'dev' };
  const told = {
    environment: 'dev',
    process: 'p',
    inMemory: 0,
    seq: 0,
    acknowledged: 0,
    p50Ms: null,
    p99Ms: null,
    lastMs: null,
    stale: [],
  };
  const history = async (): Promise<string> => (await bed.store.flags.read('dev')).history;
  /** It has clients, and ends. */
  const end = async (parts: Partial<Reach> = {}, names: readonly LeftClient[] = []): Promise<void> => {
    await bed.store.telemetry.present({ process: 'p', limitMs: 60_000 });
    await bed.store.telemetry.report({ ...told, connected: 2, history: await history(), ...parts });
    if (names.length > 0) await bed.store.telemetry.handOver('p', names);
    await bed.store.telemetry.leave('p');
  };
  /** Its minute is over, and another process goes on, which tidies. */
  const pass = async (): Promise<void> => {
    await query(`update slipway.flag_server set ended_at = ended_at - interval '61 seconds', seen_at = seen_at - interval '90 seconds'
      where process = 'p'`);
    await query(`update slipway.flag_change set at = at - interval '61 seconds' where environment = 'dev'`);
    await bed.store.telemetry.present({ process: 'q', limitMs: 60_000 });
  };
  const kill = async (key: string): Promise<FlagChange> => {
    await createFlag(bed.store.flags, asked, key, aFlag());
    return killFlag(bed.store.flags, asked, key);
  };

  it('is known until the kill is taken back', async () => {
    await end();
    await kill('release_missed');
    await pass();
    await pass();
    expect(await bed.store.telemetry.reach('dev')).toMatchObject([
      { process: 'p', connected: 2, ended: { isOver: true, named: false } },
      { process: 'q', ended: null },
    ]);
    expect((await bed.store.telemetry.servers()).map(({ process }) => process)).toEqual(['q']);
    expect(await bed.store.telemetry.forget('p', by)).toBe('ended');
    await undoKill(bed.store.flags, asked, 'release_missed');
    await pass();
    expect(await rows()).toEqual(['q']);
  });

  it('is known until those that it named are back', async () => {
    const one = { environment: 'dev', acknowledged: false, streams: 1 };
    await end(
      {},
      ['a', 'b'].map((client) => ({ ...one, client })),
    );
    await kill('release_named');
    await pass();
    const lost = async () =>
      (await bed.store.telemetry.reach('dev')).flatMap(({ ended, connected }) => (ended?.named === true ? [connected] : []));
    expect(await lost()).toEqual([2]);
    expect((await bed.store.telemetry.awaited('q')).map(({ client }) => client)).toEqual(['a', 'b']);
    await bed.store.telemetry.report({ ...told, process: 'q', connected: 1, history: await history() }, ['a']);
    expect(await lost()).toEqual([1]);
    await bed.store.telemetry.report({ ...told, process: 'q', connected: 2, history: await history() }, ['b']);
    expect(await lost()).toEqual([]);
    await pass();
    expect(await rows()).toEqual(['q']);
    await undoKill(bed.store.flags, asked, 'release_named');
  });

  it('is known too when it was silent until its own limit had passed, and registers anew should it come back', async () => {
    const { registered } = await bed.store.telemetry.present({ process: 'p', limitMs: 60_000 });
    await bed.store.telemetry.report({ ...told, connected: 2, history: await history() });
    await query(`update slipway.flag_server set place = 'elsewhere'`);
    await kill('release_cut');
    await pass();
    expect(await bed.store.telemetry.reach('dev')).toMatchObject([{ process: 'p', ended: { isOver: true } }, { process: 'q' }]);
    const back = await bed.store.telemetry.present({ process: 'p', limitMs: 60_000 });
    expect(back.registered).toBeGreaterThan(registered);
    expect(back.registered).toBe(back.at);
    await undoKill(bed.store.flags, asked, 'release_cut');
  });

  it.each([
    ['release_said', 'had all said that they have it', async (seq: number) => end({ inMemory: seq, seq, acknowledged: 2 })],
    ['release_had', 'had it, and nobody is counted any more', async (seq: number) => end({ inMemory: seq })],
    [
      'release_before',
      'had ended more than a minute before it',
      async () => {
        await end();
        await query(`update slipway.flag_server set ended_at = ended_at - interval '10 minutes' where process = 'p'`);
      },
    ],
  ])('%s: is not one whose clients %s', async (key, _what, ends) => {
    const { seq } = await kill(key);
    await ends(seq);
    await pass();
    expect(await rows()).toEqual(['q']);
    await undoKill(bed.store.flags, asked, key);
  });
});
