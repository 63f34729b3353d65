import { describe, expect, it } from 'vitest';
import { flagWorld } from './flag-world.ts';

const { ask, json, create } = flagWorld();
const WHY = ['--reason', 'ticket 17'] as const;

describe('an environment in which each change needs a reason', () => {
  it('refuses those without one, whatever they are, until it is optional again', async () => {
    await create('release_a');
    expect((await ask('flag', 'reasons')).out).toBe('Changes in dev need no reason.\n');
    expect(await json('flag', 'reasons', '--required', '--reason', 'audit')).toMatchObject({ required: true, changed: true });
    expect(await json('flag', 'reasons', '--required', '--reason', 'audit')).toMatchObject({ required: true, changed: false, seq: null });
    expect((await ask('flag', 'reasons')).out).toBe('Each change in dev needs a reason.\n');
    const token = String((await json('token', 'create', '--scope', 'kill', '--description', 'on call'))['id']);
    const changes: readonly (readonly string[])[] = [
      ['flag', 'create', 'release_b', '--type', 'release', '--owner', 'shop', '--expires', '90d'],
      ['flag', 'on', 'release_a'],
      ['flag', 'set', 'release_a', '--percentage', '25'],
      ['flag', 'target', 'release_a', '--rule', 'pros', '--when', '{ attribute: plan, eq: pro }', '--serve', 'on'],
      ['flag', 'segment', 'staff', '--when', '{ attribute: staff, eq: true }'],
      ['flag', 'segment', 'staff', '--delete'],
      ['flag', 'off', 'release_a'],
      ['flag', 'delete', 'release_a'],
      ['token', 'create', '--scope', 'kill'],
      ['token', 'revoke', token],
    ];
    const refused = { exit: 2, out: '', err: expect.stringContaining('Each change in dev needs a reason') };
    for (const change of changes) {
      const { seq } = await json('flag', 'list');
      expect([change, await ask(...change)]).toEqual([change, refused]);
      expect(await json('flag', 'list')).toMatchObject({ seq });
      const why = change.join(' ').startsWith('token create') ? ['--description', 'on call'] : WHY;
      expect(await ask(...change, ...why), change.join(' ')).toMatchObject({ exit: 0 });
    }
    // What is so already is no change.
    expect(await ask('flag', 'off', 'release_b')).toMatchObject({ exit: 0 });
    expect((await ask('flag', 'reasons', '--optional', '--reason', 'a small team')).out).toBe('Changes in dev need no reason.\n');
    expect(await ask('flag', 'on', 'release_b')).toMatchObject({ exit: 0 });
    expect((await ask('flag', 'history')).out).toMatch(/reasons-optional by ann: a small team\n.*[\s\S]*reasons-required by ann: audit\n/);
  });

  it('is that one alone', async () => {
    expect(await ask('flag', 'reasons', '-e', 'prd', '--required', '--reason', 'audit')).toMatchObject({
      exit: 0,
      err: expect.stringContaining('note: no flag was ever in prd; there are flags in dev'),
    });
    expect(await create('release_c', '-e', 'stg')).toMatchObject({ exit: 0 });
    expect(await create('release_c', '-e', 'prd')).toMatchObject({ exit: 2 });
  });
});
