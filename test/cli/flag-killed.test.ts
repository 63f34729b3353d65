import { describe, expect, it } from 'vitest';
import { flagWorld } from './flag-world.ts';

const { ask, json, create } = flagWorld();

describe('a killed flag on the command line', () => {
  it('says which other flags are off with it, and which may be on', async () => {
    for (const key of ['release_base', 'release_top', 'release_instead']) {
      await create(key);
      await ask('flag', 'on', key);
    }
    await ask('flag', 'set', 'release_top', '--needs', 'release_base=on');
    await ask('flag', 'set', 'release_instead', '--needs', 'release_base=off');
    expect((await ask('flag', 'kill', 'release_base', '--reason', 'it burns')).out).toMatch(
      /^release_base is off in dev, since .*\nSo is release_top, which requires it\.\nrelease_instead requires one of these to be off, and may be on/,
    );
    const dependants = [
      { flag: 'release_instead', isMet: true },
      { flag: 'release_top', isMet: false },
    ];
    expect(await json('flag', 'kill', 'release_base', '--reason', 'again')).toMatchObject({ enabled: false, dependants });
  });

  it('a killed flag stays off until the kill is taken back', async () => {
    await create('release_twin');
    await ask('flag', 'on', 'release_twin');
    await ask('flag', 'kill', 'release_twin', '--reason', 'it burns');
    expect(await ask('flag', 'on', 'release_twin')).toMatchObject({
      exit: 4,
      err: expect.stringMatching(/killed by ann.*it burns\n.*unkill/),
    });
    expect((await ask('flag', 'show', 'release_twin')).out).toMatch(/killed by ann at .*: it burns/);
    expect((await ask('flag', 'list')).out).toMatch(/release_twin +killed +boolean/);
    expect(await ask('flag', 'on', 'release_twin')).toMatchObject({
      err: expect.stringContaining('`slipway flag unkill release_twin -e dev --reason ...`'),
    });
    // Killed again: the first one still says since when, and why.
    await ask('flag', 'kill', 'release_twin', '--reason', 'once more');
    expect((await ask('flag', 'show', 'release_twin')).out).toMatch(/killed by ann at .*: it burns\n +and again by ann at .*: once more/);
    expect(await ask('flag', 'on', 'release_twin')).toMatchObject({
      err: expect.stringMatching(/killed by ann.*it burns; and again by ann.*once more/),
    });
    expect(await json('flag', 'show', 'release_twin')).toMatchObject({
      kill: { reason: 'once more', wasOn: true, first: { reason: 'it burns' } },
      delivery: { servers: 0 },
    });
    expect(await ask('flag', 'unkill', 'release_twin', '--reason', 'repaired')).toMatchObject({
      exit: 19,
      out: expect.stringContaining(
        'no longer killed: on. Users get that as soon as their clients hear of it; it is as it was before the kill.',
      ),
    });
    expect(await ask('flag', 'unkill', 'release_twin', '--reason', 'repaired')).toMatchObject({ exit: 4 });
  });

  it('is named where it is on in other environments, with what kills it there', async () => {
    for (const name of ['dev', 'stg', 'prd', 'old']) await create('release_wrong', '-e', name);
    for (const name of ['dev', 'stg', 'prd']) await ask('flag', 'on', 'release_wrong', '-e', name);
    const command = (name: string): string => `slipway flag kill release_wrong -e ${name} --reason ...`;
    const told = (name: string): string => `release_wrong is on in ${name}; to kill it there: ${command(name)}`;
    const { out } = await ask('flag', 'kill', 'release_wrong', '-e', 'stg', '--reason', 'it burns');
    // After it is said that it is off, and before clients are told of.
    expect(out.split('\n').slice(0, 4)).toEqual([
      expect.stringContaining('release_wrong is off in stg'),
      told('dev'),
      told('prd'),
      expect.stringContaining('That is so in the store'),
    ]);
    expect((await ask('flag', 'show', 'release_wrong', '-e', 'stg')).out).toMatch(
      /\n {2}elsewhere +release_wrong is on in dev; .*\n +release_wrong is on in prd; /,
    );
    const rest = await json('flag', 'kill', 'release_wrong', '-e', 'dev', '--reason', 'it burns');
    expect(rest).toMatchObject({ onElsewhere: [{ environment: 'prd', kill: command('prd') }] });
    expect((await json('flag', 'show', 'release_wrong', '-e', 'stg'))['onElsewhere']).toEqual(rest['onElsewhere']);
    const last = await ask('flag', 'kill', 'release_wrong', '-e', 'prd', '--reason', 'it burns');
    expect(last.out).not.toContain('is on in');
    expect((await json('flag', 'show', 'release_wrong', '-e', 'old'))['onElsewhere']).toEqual([]);
    expect(await json('flag', 'unkill', 'release_wrong', '-e', 'prd', '--reason', 'repaired')).not.toHaveProperty('onElsewhere');
  });
});
