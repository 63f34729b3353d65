import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../store/support.ts';
import { allSealed, makeSite, scriptStep, sharedServer, type RunningWorker, type SharedServer, type Site } from './processes.ts';

/** `kill -9` of a worker whose command ignores SIGTERM, while another worker of the same machine is free to go on at once. */
describe('a worker that is killed in the middle of a command', () => {
  let server: SharedServer;
  let site: Site;
  let workers: readonly RunningWorker[] = [];
  beforeAll(async () => {
    server = await sharedServer();
    site = makeSite(server, 'machine:/state');
    workers = await Promise.all([site.startWorker(), site.startWorker()]);
  }, 180_000);
  afterAll(async () => {
    await site.remove();
    await server.stop();
  }, 180_000);

  it('is followed by another one, which begins when nothing of that command is left', async () => {
    const release = await site.submit(server.store, [scriptStep('build.make', { ticks: 150 }), scriptStep('verify.smoke')]);
    const mine = () => site.effects().filter((effect) => effect.step === 'build.make');
    await eventually('the command runs', () => mine().some(({ word }) => word === 'tick'));
    const { driver } = (await server.store.load(release)).summary;
    workers.find((worker) => worker.driver === driver)?.signal('SIGKILL');
    await eventually('another worker has taken over', async () =>
      (await server.store.load(release)).events.some((event) => event.type === 'driver.claimed' && event.data.takeover),
    );
    await allSealed(server.store, [release]);
    const order = mine().map(({ pid }) => pid);
    const [first = '', second = ''] = [...new Set(order)];
    expect(new Set(order).size).toBe(2);
    expect(order.lastIndexOf(first)).toBeLessThan(order.indexOf(second));
    expect((await server.store.load(release)).summary.status).toBe('released');
  }, 180_000);
});
