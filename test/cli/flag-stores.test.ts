import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore } from '../../src/store/index.ts';
import { LEASE } from '../store/support.ts';
import { endStore } from '../support/place-store.ts';
import { inProcess, scratch } from './support.ts';

const home = scratch();
afterAll(home.remove);

describe('the store of flags', () => {
  it('is made by the first flag, in whatever folder, and told after a restore', async () => {
    const folder = path.join(home.path, 'new');
    mkdirSync(folder);
    const slipway = (...args: readonly string[]) => inProcess(['-C', folder, 'flag', ...args], { SLIPWAY_ACTOR: 'ann' });
    expect(await slipway('list')).toMatchObject({ exit: 2, err: expect.stringContaining('`slipway flag create` makes a store') });
    expect(existsSync(path.join(folder, '.slipway'))).toBe(false);
    const making = ['create', 'release_a', '--type', 'release', '--owner', 'shop', '--expires', '90d'];
    expect(await slipway(...making)).toMatchObject({
      exit: 0,
      out: expect.stringContaining('Made release_a in dev'),
      err: expect.stringContaining(`there was no store here; it is in ${path.join(folder, '.slipway')} from now on`),
    });
    const opened = await openStore({ home: path.join(folder, '.slipway'), node: 'here:stores', clock: systemClock, lease: LEASE });
    try {
      expect(await slipway('create', 'release_b', ...making.slice(2))).toMatchObject({ exit: 0, err: '' });
      expect(await slipway('restored')).toMatchObject({ exit: 2, err: expect.stringContaining('A reason is needed') });
      expect(await slipway('restored', '-e', 'stg', '--reason', 'x')).toMatchObject({ exit: 3 });
      expect(await slipway('restored', '--reason', 'backup of 03:00')).toMatchObject({
        exit: 0,
        out: expect.stringContaining('Another history began in 1 environment: dev goes on after change 1000002.'),
      });
      expect((await slipway('history')).out).toMatch(/^1000002 .* restore by ann: backup of 03:00\n2 .* create by ann/);
      expect(await slipway('on', 'release_a')).toMatchObject({ exit: 0 });
    } finally {
      const { embedded } = opened;
      await opened.close();
      await endStore(embedded);
    }
  });
});
