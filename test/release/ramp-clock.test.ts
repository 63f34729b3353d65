import { expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { foldRamp } from '../../src/release/index.ts';
import { serve } from '../analysis/support.ts';
import { embeddedServer, eventually } from '../store/support.ts';
import { drivingIn, planned } from './ramp-bed.ts';
import { LEASE, NODE } from './ramp-child.ts';

const HOUR_MS = 3_600_000;

it('a ramp ends no step early, and is looked at as often as ever, when the clock of the machine that drives it is set', async () => {
  const server = await embeddedServer();
  let latency = 0.1;
  const prometheus = await serve((_request, response) => {
    response.setHeader('content-type', 'application/json');
    const one = (part: string, value: number) => ({ metric: { slipway_part: part }, value: [Date.now() / 1_000, String(value)] });
    const result = [one('canary gauge', latency), one('stable gauge', 0.1)];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
  try {
    let shift = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + shift };
    const store = await server.open(await server.newDatabase(), { lease: LEASE, node: NODE, clock });
    const plan = await planned(store, prometheus.port, ['internal for 30m', '10% for 1h', '100%']);
    await store.ramps.start(plan);
    const state = async () => foldRamp(await store.ramps.load(plan.ramp));
    const looks = async () => (await store.ramps.load(plan.ramp)).filter(({ type }) => type === 'step.looked').length;
    const looked = async (): Promise<void> => {
      const before = await looks();
      await eventually('three looks more', async () => (await looks()) >= before + 3, 30_000);
    };
    const drive = async (): Promise<void> => {
      for (const by of [0, HOUR_MS, -HOUR_MS]) {
        shift = by;
        await looked();
        expect((await state()).set?.index).toBe(0);
      }
      latency = 0.9;
      expect(await eventually('the ramp ends', async () => (await state()).ended, 30_000)).toMatchObject({ outcome: 'reversed' });
    };
    await drivingIn(store, drive, clock);
  } finally {
    prometheus.server.close();
    await server.stop();
  }
});
