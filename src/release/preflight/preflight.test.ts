import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aMigration, aPlan, aPlanInput } from '../../../test/support/plan.ts';
import { storeArtifact } from '../artifact/store.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDeps } from '../steps/deps.ts';
import { checkDisk } from './data-checks.ts';
import { checkHealth, checkListen, checkPrevious, checkRollback, checkTarget } from './way-back-checks.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-preflight-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** Deps of which a check uses what a test gives; anything else fails loudly. */
const depsWith = (parts: object): StepDeps => ({ home, ...parts }) as unknown as StepDeps;
const verdictOf = async (check: typeof checkDisk, plan: Plan, parts: object = {}) => (await check(depsWith(parts), plan)).verdict;

describe('the way back', () => {
  it('is there for a migration with a backup to restore', async () => {
    expect(await verdictOf(checkRollback, aPlan({ migrations: [aMigration('restore')] }))).toBe('pass');
  });

  it('is not there when the backup it would restore is skipped', async () => {
    const plan = aPlan({ migrations: [aMigration('restore')], skips: { 'migrate.backup': 'no time' } });
    expect(await verdictOf(checkRollback, plan)).toBe('fail');
  });

  it('is unknown when the plan was made without a look into the database', async () => {
    const away = { name: 'database', verdict: 'unknown', reason: 'connection refused' } as const;
    expect(await verdictOf(checkRollback, aPlan({ migrations: null, findings: [away] }))).toBe('unknown');
  });
});

describe('health', () => {
  const gone = { target: { inspect: async () => null } };

  it('of an old version that is down blocks, and names every step that must be left out to replace it', async () => {
    const answer = await checkHealth(depsWith(gone), aPlan({ migrations: [aMigration('app')] }));
    expect(answer).toMatchObject({
      verdict: 'fail',
      fix: expect.stringMatching(/--skip preflight\.health=REASON \(and --skip verify\.rehearse=/),
    });
    const skipped = await checkHealth(
      depsWith(gone),
      aPlan({ migrations: [aMigration('app')], skips: { 'verify.rehearse': 'it is dead' } }),
    );
    expect(skipped.fix).not.toContain('verify.rehearse');
  });
});

describe('the target', () => {
  const serving = (group: string) => ({
    target: { list: async () => [] },
    router: { inspect: async () => ({ spec: { backends: [{ group, version: '1.0.1', weight: 100, process: 'web' }] } }) },
  });

  it('must not have users in the slot of the new version', async () => {
    expect(await verdictOf(checkTarget, aPlan(), serving('shop/dev/blue'))).toBe('pass');
    expect(await verdictOf(checkTarget, aPlan(), serving('shop/dev/green'))).toBe('fail');
  });

  it('may be empty', async () => {
    const empty = { target: { list: async () => [] }, router: { inspect: async () => null } };
    expect(await verdictOf(checkTarget, aPlan({ previous: null }), empty)).toBe('pass');
  });
});

describe('the address', () => {
  const asked: unknown[] = [];
  const canListen = async (...question: readonly unknown[]) => {
    asked.push(question);
    return { verdict: 'fail', reason: 'taken', fix: 'choose another' };
  };

  it('is asked of the router for the route that is to be opened there', async () => {
    const answer = await checkListen(depsWith({ router: { canListen } }), aPlan());
    expect(answer).toEqual({ verdict: 'fail', reason: 'taken', fix: 'choose another' });
    expect(asked).toEqual([['shop/dev', { host: '127.0.0.1', port: 18_080 }]]);
  });

  it('is nobody’s business where none is opened', async () => {
    const silent = aPlan({ definition: aDefinition({ listen: null }) });
    for (const plan of [silent, aPlan({ skips: { 'deploy.switch': 'done by hand' } })])
      expect(await verdictOf(checkListen, plan)).toBe('pass');
  });
});

describe('the disk', () => {
  it('needs no room for a backup that is not taken', async () => {
    const databaseFor = (): never => {
      throw new Error('the size of the database was asked for');
    };
    expect(await verdictOf(checkDisk, aPlan({ migrations: [] }), { databaseFor })).toBe('pass');
  });
});

describe('a rollback', () => {
  const { previous: old } = aPlanInput();
  const target = old === null ? null : { ...old, version: '0.9.0', artifact: 'artifacts/shop/0.9.0' };
  const plan = aPlan({ kind: 'rollback', version: '0.9.0', target });
  // What serves is the version the plan goes back from.
  const serving = {
    lastServing: async () => ({
      events: [{ type: 'release.requested', data: { plan: aPlan({ release: '01old', version: '1.0.0', previous: null }) } }],
    }),
  };

  it('relies on the artifact it brings back, byte for byte, and not on the one it replaces', async () => {
    const source = join(home, 'source');
    await mkdir(source);
    await writeFile(join(source, 'server.js'), 'old');
    const folder = join(home, 'artifacts/shop/0.9.0');
    expect(await verdictOf(checkPrevious, plan, { store: serving })).toBe('fail');
    await storeArtifact(source, folder, {
      service: 'shop',
      version: '0.9.0',
      gitSha: null,
      release: '01older',
      builtAt: '',
      toolchain: {},
    });
    expect(await verdictOf(checkPrevious, plan, { store: serving })).toBe('pass');
    await writeFile(join(folder, 'server.js'), 'changed');
    expect(await verdictOf(checkPrevious, plan, { store: serving })).toBe('fail');
  });
});
