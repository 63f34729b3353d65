import { openApp } from '../../../src/cli/compose.ts';
import { loadConfig } from '../../../src/config/index.ts';
import { systemClock, type Clock } from '../../../src/kernel/index.ts';
import { drive, foldEvents, prepareRelease, stepExecutors, type DriverDeps } from '../../../src/release/index.ts';
import { openStore } from '../../../src/store/index.ts';
import { until, type SmallRig, type SmallService } from './small-service.ts';

/** The agent's worker does not serve this node, so nobody else drives what is released here. */
const NODE = 'elsewhere:/';

/** Releases whose judge lives in a time of its own, so that windows of minutes take seconds; all else is real, time too. */
export interface FastJudge {
  /** Releases what is committed; answers how it ended, and what the judge said last. */
  release(): Promise<{ readonly outcome: string | null; readonly judged: string }>;
  close(): Promise<void>;
}

export async function openFastJudge(rig: SmallRig, { folder }: SmallService, speed: number): Promise<FastJudge> {
  const environment = { PATH: process.env['PATH'], SLIPWAY_HOME: rig.home };
  const app = await openApp({ workspace: folder, environment, log: () => undefined });
  const { store, close } = await openStore({
    home: rig.home,
    url: undefined,
    node: NODE,
    clock: systemClock,
    lease: app.driver.lease,
    log: () => undefined,
  });
  const { clock, fast } = clockOf(speed);
  const { router } = app.deps;
  const judge = stepExecutors({
    ...app.deps,
    effects: { ...app.effects, clock },
    router: {
      ...router,
      // The router counts in real time, and says of when.
      stats: async (route) => {
        const stats = await router.stats(route);
        return stats === null ? null : { ...stats, at: fast(stats.at) };
      },
    },
  }).judge;
  const deps: DriverDeps = {
    ...app.driver,
    store,
    executors: {
      ...app.driver.executors,
      judge: async (context) => judge({ ...context, effects: { ...context.effects, clock } }),
    },
  };
  return {
    release: async () => {
      const { definition, sha256 } = await loadConfig(folder);
      const release = app.effects.ids.release(systemClock.now());
      const asked = {
        release,
        workspace: folder,
        definition,
        configSha256: sha256,
        version: null,
        requestedBy: 'ann',
        node: NODE,
        skips: {},
      };
      await store.submit({ plan: await prepareRelease(app.deps, asked), actor: 'ann', wait: false });
      const { signal } = new AbortController();
      await until('the release is over', async () => (await drive(deps, release, signal)) === 'finished', 150_000);
      const { events } = await store.load(release);
      const said = events.flatMap((one) =>
        one.type === 'step.finished' && one.data.step.startsWith('deploy.judge') ? [`${one.data.verdict}: ${one.data.reason}`] : [],
      );
      return { outcome: foldEvents(events).outcome, judged: said.at(-1) ?? '' };
    },
    close: async () => {
      await close();
      await app.close();
    },
  };
}

function clockOf(speed: number): { readonly clock: Clock; readonly fast: (at: number) => number } {
  const begun = systemClock.now();
  const fast = (at: number): number => Math.round(begun + (at - begun) * speed);
  const clock: Clock = {
    now: () => fast(systemClock.now()),
    monotonic: () => systemClock.monotonic() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
  return { clock, fast };
}
