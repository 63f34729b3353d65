import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkChain, fingerprint, loadOrCreateKeys, verifyPack } from '../../src/evidence/index.ts';
import { packFolder, type NewEvent, type Plan, type ReleaseStore, type Step } from '../../src/release/index.ts';
import { eventually } from '../store/support.ts';
import { allSealed, makeSite, scriptStep, sharedServer, type SharedServer, type Site } from './processes.ts';
import { ask, story } from './rig.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A step kind that only the next build knows. */
const TOMORROW = 'quantum-smoke' as Step['kind'];

/** Adds the step kind to the registry of step kinds, in whichever file of the build it was packed. */
function teachStepKind(dist: string): void {
  const known = 'command: commandStep(deps),';
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  const registries = files.map((file) => join(dist, file)).filter((file) => readFileSync(file, 'utf8').includes(known));
  const [registry] = registries;
  if (registry === undefined || registries.length > 1) {
    throw new Error(`The registry is in ${registries.length} files of the build; the next build would not be one step kind more`);
  }
  const more = `${known} '${TOMORROW}': async () => ({ verdict: 'pass', reason: 'from the next build' }),`;
  writeFileSync(registry, readFileSync(registry, 'utf8').replace(known, more));
}

/** A copy of this build that calls itself 99.0.0 and knows one step kind more. */
function nextBuild(): { readonly main: string; remove(): void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-next-')));
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version: '99.0.0' }));
  teachStepKind(join(folder, 'dist'));
  return { main: join(folder, 'dist/cli/main.js'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What a later Slipway may have written: a kind of event nobody here knows, and fields more in one that everybody knows. */
const FUTURE = { type: 'weather.observed', data: { colour: 'blue', degrees: [1, { deep: true }] } } as unknown as NewEvent;
const FULLER = { type: 'approval.given', data: { decision: 'approve', reason: 'fine', mood: 'happy' } } as unknown as NewEvent;

describe('an upgrade while releases are in flight', () => {
  const next = nextBuild();
  let server: SharedServer;
  let site: Site;
  let store: ReleaseStore;
  beforeAll(async () => {
    server = await sharedServer();
    site = makeSite(server, 'machine:/state');
    store = server.store;
  }, 180_000);
  afterAll(async () => {
    await site.remove();
    await server.stop();
    next.remove();
  }, 180_000);

  const told = async (release: string): Promise<readonly string[]> => story(await store.load(release));
  const resting = (release: string, line: string) =>
    eventually(
      `${release} rests at ${line}`,
      async () => (await store.load(release)).summary.driver === null && (await told(release)).at(-1) === line,
      60_000,
    );

  it('is between two builds that differ', () => {
    expect(execFileSync(process.execPath, [next.main, '--version'], { encoding: 'utf8' })).toBe('99.0.0\n');
  });

  it('lets the next build finish what this one began: stopped in a step, in a window, at an approval', async () => {
    // Long enough for the old worker to be stopped, and the next one at work, before it is over: all else is ready by then.
    const window = scriptStep('observe.window', { repeat: { everyMs: 400, forMs: 12_000 } });
    const from = (step: Step) => ({ ...step, invented: { later: [1, 2] } });
    const changes = { invented: 'by a later build' } as unknown as Partial<Plan>;
    const go = join(site.home, 'go');
    const step = scriptStep('build.make', { told: go });
    const inStep = await site.submit(store, [step, scriptStep('verify.smoke')].map(from), changes);
    const atApproval = await site.submit(
      store,
      [scriptStep('build.make'), scriptStep('change.world', { approvals: 1 })].map(from),
      changes,
    );

    const old = await site.startWorker();
    await resting(atApproval, 'step.finished build.make pass');
    await eventually('the step runs', () => site.effects().some((effect) => effect.release === inStep && effect.word === 'tick'));
    const inWindow = await site.submit(store, [scriptStep('build.make'), window].map(from), changes);
    await eventually(
      'the window is being watched',
      async () => (await told(inWindow)).filter((line) => line === 'step.finished observe.window pass').length > 1,
    );
    const stopped = old.stop();
    writeFileSync(go, '');
    await stopped;
    // Its step was let end and recorded before it went.
    expect((await told(inStep)).at(-1)).toBe('step.finished build.make pass');

    await store.request(inStep, 'ann', FUTURE);
    await store.request(inWindow, 'ann', FUTURE);
    await store.request(atApproval, 'ann', FUTURE);
    const fresh = await site.startWorker({ main: next.main });
    await store.request(atApproval, 'bob', FULLER);
    await allSealed(store, [inStep, inWindow, atApproval]);

    for (const release of [inStep, inWindow, atApproval]) {
      const stored = await store.load(release);
      expect(stored.summary.status).toBe('released');
      expect(story(stored)).toContain('weather.observed');
      expect(story(stored).filter((line) => line.startsWith('step.interrupted'))).toEqual([]);
      expect(checkChain(stored.entries)).toMatchObject({ verdict: 'pass' });
      const actors = new Set(stored.events.filter((event) => event.type === 'step.finished').map(({ actor }) => actor));
      expect(actors).toEqual(new Set([old.driver, fresh.driver]));
      const keys = loadOrCreateKeys(join(site.home, 'keys'));
      expect(
        await verifyPack(packFolder(site.home, release), { pins: { pack: [fingerprint(keys.pack.publicPem)], log: [] } }),
      ).toMatchObject({ verdict: 'pass' });
    }
    await fresh.stop();
  }, 180_000);

  it('goes back when a plan of the next build meets a worker of this one, and forward on the next', async () => {
    const steps = [scriptStep('change.world'), scriptStep('verify.tomorrow', { kind: TOMORROW })];
    const onThis = await site.submit(store, steps);
    const old = await site.startWorker();
    await allSealed(store, [onThis]);
    expect((await told(onThis)).slice(-5)).toEqual([
      'step.finished verify.tomorrow unknown',
      'rollback.started',
      'step.intended rollback.world',
      'step.finished rollback.world pass',
      'release.finished rolled-back',
    ]);
    await old.stop();
    const fresh = await site.startWorker({ main: next.main });
    const onNext = await site.submit(store, steps);
    await allSealed(store, [onNext]);
    expect((await told(onNext)).at(-1)).toBe('release.finished released');
    await fresh.stop();
  }, 180_000);

  it('is what a person resumes on, when this build did not know the way back', async () => {
    const undo = { 'change.world': [scriptStep('rollback.world', { stage: 'rollback', kind: TOMORROW })] };
    const release = await site.submit(store, [scriptStep('change.world'), scriptStep('verify.smoke', { exit: 1 })], { undo });
    const old = await site.startWorker();
    await resting(release, 'release.stuck rollback.world');
    await old.stop();
    const fresh = await site.startWorker({ main: next.main });
    await store.request(release, 'bob', ask.resume);
    await allSealed(store, [release]);
    expect((await told(release)).slice(-3)).toEqual([
      'step.intended rollback.world',
      'step.finished rollback.world pass',
      'release.finished rolled-back',
    ]);
    await fresh.stop();
  }, 180_000);
});
