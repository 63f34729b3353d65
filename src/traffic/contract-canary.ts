import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, startLoad, until } from '../../test/traffic/support.ts';
import { backend, BLUE, GREEN, makeBed, routeOf, serveAs, type Bed, type CreateRig } from './contract-bed.ts';

/** The part of the contract that is about two versions side by side. */
export function canaryContract(createRig: CreateRig): void {
  describe('two versions side by side', () => {
    let bed: Bed;
    beforeEach(async () => {
      bed = await makeBed(createRig);
    });
    afterEach(() => bed.cleanup.run());

    const split = async (canary: number): Promise<void> =>
      bed.rig.router().apply(1, routeOf(bed, { backends: [backend(BLUE, 100 - canary), backend(GREEN, canary)] }));
    const bodies = async (requests: number): Promise<ReadonlySet<string>> =>
      new Set(await Promise.all(Array.from({ length: requests }, async () => (await ask(bed.port)).body)));

    it('loses no request over twelve changes of weight on kept connections', { timeout: 180_000 }, async () => {
      await serveAs(bed, BLUE, 'blue');
      await serveAs(bed, GREEN, 'green');
      await split(0);
      const load = startLoad(bed.cleanup, bed.port, { perSecond: 500 });
      for (const weight of [5, 10, 25, 50, 100, 50, 25, 10, 5, 1, 99, 0]) {
        const enough = load.done() + 150;
        await until('some requests at this weight', () => load.done() > enough);
        await split(weight);
      }
      expect([...(await load.stop()).keys()].toSorted()).toEqual(['blue', 'green']);
      expect(await bodies(30)).toEqual(new Set(['blue']));
    });

    it.each([
      ['a canary without instances is answered for by the stable version', { canary: 60, without: GREEN, answers: 'blue' }],
      [
        'a stable version without instances is answered for by a canary that has half of the users',
        { canary: 50, without: BLUE, answers: 'green' },
      ],
    ])('%s', async (_what, { canary, without, answers }) => {
      await serveAs(bed, BLUE, 'blue');
      await serveAs(bed, GREEN, 'green');
      await split(canary);
      await bed.rig.setEndpoints(without, []);
      expect(await bodies(100)).toEqual(new Set([answers]));
    });

    it('a canary with less than half of the users never gets those of a stable version without instances', async () => {
      await serveAs(bed, BLUE, 'blue');
      await serveAs(bed, GREEN, 'green');
      await split(49);
      await bed.rig.setEndpoints(BLUE, []);
      const replies = await Promise.all(Array.from({ length: 200 }, () => ask(bed.port)));
      const green = replies.filter(({ status, body }) => status === 200 && body === 'green').length;
      expect(green).toBe(98);
      expect(replies.filter(({ status }) => status === 503)).toHaveLength(102);
      expect(await bed.rig.router().stats(bed.id)).toMatchObject({ unrouted: 102 });
    });
  });
}
