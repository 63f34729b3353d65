import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeSince, lastUse, olderThan, type Ran } from './old-version.ts';

const ran = (version: string, from: number, to: number | null, status = 'released'): Ran => ({
  release: `${version}@${from}`,
  version,
  status: to === null ? 'running' : status,
  requestedAt: from,
  finishedAt: to,
});
const byName = (one: string, other: string): boolean => one < other;
const use = (releases: readonly Ran[], since = '1.3.0') => lastUse(releases, olderThan(since, releases, byName));

describe('an old version was last there', () => {
  it('when the release ended that replaced it', () => {
    const releases = [ran('1.2.0', 0, 10), ran('1.3.0', 20, 30), ran('1.4.0', 40, 50)];
    expect(use(releases)).toEqual({ kind: 'until', at: 30, version: '1.2.0', by: '1.3.0@20' });
    expect(use(releases.toReversed())).toEqual(use(releases));
  });

  it('again, when it was put back, or tried and taken back', () => {
    const releases = [ran('1.2.0', 0, 10), ran('1.3.0', 20, 30), ran('1.2.0', 35, 40), ran('1.3.0', 50, 60)];
    expect(use(releases.slice(0, 3))).toEqual({ kind: 'now', version: '1.2.0' });
    expect(use(releases)).toMatchObject({ at: 60 });
    expect(use([...releases, ran('1.2.5', 70, 80, 'rolled-back')])).toMatchObject({ at: 80, version: '1.2.5' });
    expect(use([...releases, ran('1.2.5', 70, 80, 'unchanged')])).toMatchObject({ at: 60 });
    expect(use([...releases, ran('1.2.5', 70, null)])).toEqual({ kind: 'now', version: '1.2.5' });
  });

  it('as far as is known, after a release that was accepted as it stood', () => {
    const accepted = [ran('1.2.0', 0, 10), ran('1.3.0', 20, 30, 'accepted')];
    expect(use(accepted)).toEqual({ kind: 'now', version: '1.2.0' });
    expect(use([...accepted, ran('1.4.0', 40, 50)])).toMatchObject({ at: 50, version: '1.2.0' });
    // An old one may have been left serving by it.
    expect(use([ran('1.3.0', 0, 10), ran('1.2.5', 20, 30, 'accepted')])).toEqual({ kind: 'now', version: '1.2.5' });
  });

  it('never, where nothing older was released here; and nobody knows where nothing newer was', () => {
    expect(use([ran('1.3.0', 20, 30), ran('1.4.0', 40, 50)])).toEqual({ kind: 'until', at: 30, version: null, by: null });
    expect(use([])).toMatchObject({ kind: 'unknown' });
  });

  it('by the ledger where the names tell nothing', () => {
    const releases = [ran('b7f', 0, 10), ran('0a1', 20, 30)];
    const isOld = olderThan('0a1', releases, () => null);
    expect([isOld('b7f'), isOld('0a1'), isOld('fff')]).toEqual([true, false, null]);
    expect(lastUse(releases, isOld)).toMatchObject({ kind: 'until', at: 30, version: 'b7f' });
    expect(
      lastUse(
        releases,
        olderThan('fff', releases, () => null),
      ),
    ).toMatchObject({ kind: 'unknown' });
  });

  it('counts the time it stayed warm', () => {
    expect(freeSince({ kind: 'until', at: 30, version: '1.2.0', by: null }, 7)).toBe(37);
    expect(freeSince({ kind: 'until', at: 30, version: null, by: null }, 7)).toBe(30);
  });

  it('is never said to be before the end of any release that may have run it', () => {
    const one = fc.record({
      version: fc.constantFrom('1.1.0', '1.2.0', '1.3.0', '1.4.0'),
      took: fc.integer({ min: 1, max: 9 }),
      status: fc.constantFrom('released', 'rolled-back', 'unchanged', 'accepted'),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), (all) => {
        let at = 0;
        const releases = all.map(({ version, took, status }) => ran(version, (at += 1), (at += took), status));
        const last = use(releases);
        const old = releases.filter(({ version, status }) => version < '1.3.0' && status !== 'unchanged');
        if (last.kind === 'until') for (const { finishedAt } of old) expect(last.at).toBeGreaterThanOrEqual(finishedAt ?? Infinity);
        const serving = releases.findLast(({ status }) => status === 'released');
        if (serving !== undefined && serving.version < '1.3.0') expect(last.kind).toBe('now');
      }),
    );
  });
});
