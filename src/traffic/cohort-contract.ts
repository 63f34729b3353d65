import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { ask, until } from '../../test/traffic/support.ts';
import { backend, BLUE, GREEN, local, makeBed, routeOf, serveAs, type Bed, type CreateRig } from './contract-bed.ts';
import { bucketOf, type Cohort } from './core/cohort.ts';

/** Users with an id in a header; two of a hundred are in at 2 %. */
const USERS = Array.from({ length: 200 }, (_, index) => (index % 50 === 0 ? `Zoë-${'x'.repeat(index)}` : `user-${index}`));
const BY_USER: Cohort = { key: { header: 'x-user-id', cookie: 'uid' } };

/** The part of the contract that is about who gets which version. */
export function cohortContract(createRig: CreateRig): void {
  describe('cohorts', () => {
    let bed: Bed;
    beforeEach(async () => {
      bed = await makeBed(createRig);
      await serveAs(bed, BLUE, 'blue');
      await serveAs(bed, GREEN, 'green');
    });
    afterEach(() => bed.cleanup.run());

    const split = async (canary: number, cohort?: Cohort): Promise<void> =>
      bed.rig.router().apply(1, routeOf(bed, { backends: [backend(BLUE, 100 - canary), backend(GREEN, canary)], cohort }));
    const wire = (text: string): string => Buffer.from(text).toString('latin1');
    const bodyFor = async (headers: Record<string, string>, path = '/'): Promise<string> =>
      (await ask(bed.port, { path, headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, wire(value)])) }))
        .body;
    const versionsOf = async (by: 'x-user-id' | 'cookie'): Promise<readonly string[]> =>
      Promise.all(USERS.map((user) => bodyFor({ [by]: by === 'cookie' ? `a=1; uid=${user}` : user })));
    const expected = (weight: number): readonly string[] => USERS.map((user) => (bucketOf(wire(user)) < weight * 100 ? 'green' : 'blue'));

    it('gives a user the same version each time, by header and by cookie, and keeps whoever is in when it gets more', async () => {
      for (const weight of [5, 25, 50]) {
        await split(weight, BY_USER);
        expect(await versionsOf('x-user-id')).toEqual(expected(weight));
        expect(await versionsOf('cookie')).toEqual(expected(weight));
      }
      expect(expected(5).every((version, index) => version === 'blue' || expected(25)[index] === 'green')).toBe(true);
      expect(await bed.rig.router().inspect(bed.id)).toMatchObject({ spec: { cohort: BY_USER } });
      await split(0, BY_USER);
      expect(new Set(await versionsOf('x-user-id'))).toEqual(new Set(['blue']));
      await split(100, BY_USER);
      expect(new Set(await versionsOf('x-user-id'))).toEqual(new Set(['green']));
    });

    it('deals as without a cohort to whoever has no key', async () => {
      await split(20, BY_USER);
      const bodies = await Promise.all(Array.from({ length: 200 }, () => bodyFor({})));
      expect(bodies.filter((body) => body === 'green')).toHaveLength(40);
      expect((await ask(bed.port)).headers['set-cookie']).toBeUndefined();
    });

    it('gives whoever has no key a bucket to keep, once', async () => {
      await split(50, { ...BY_USER, sticky: true });
      const first = await Promise.all(Array.from({ length: 60 }, () => ask(bed.port)));
      expect(new Set(first.map(({ body }) => body))).toEqual(new Set(['blue', 'green']));
      for (const { headers, body } of first) {
        const [cookie = ''] = headers['set-cookie'] ?? [];
        expect(cookie).toMatch(/^slipway-cohort=\d{1,4}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/);
        const again = await ask(bed.port, { headers: { cookie: cookie.split(';')[0] ?? '' } });
        expect([again.body, again.headers['set-cookie']]).toEqual([body, undefined]);
      }
      expect((await ask(bed.port, { headers: { 'x-user-id': 'a' } })).headers['set-cookie']).toBeUndefined();
    });

    it('is overridden where that is declared, by name and by version, and never at weight 0', async () => {
      await split(1, { force: { header: 'x-version', cookie: 'version' } });
      for (const word of ['canary', '1.1.0']) {
        expect(await bodyFor({ 'x-version': word })).toBe('green');
        expect(await bodyFor({ cookie: `version=${word}` })).toBe('green');
      }
      await split(99, { force: { header: 'x-version' } });
      for (const word of ['stable', '1.0.0']) expect(await bodyFor({ 'x-version': word })).toBe('blue');
      await split(0, { force: { header: 'x-version' } });
      expect(await bodyFor({ 'x-version': 'canary' })).toBe('blue');
    });

    it('gives the canary to matching requests only', async () => {
      await split(99, { force: { header: 'x-version' }, only: { paths: ['/checkout'], headers: { 'x-region': ['eu', 'us'] } } });
      const at = async (path: string, region: string): Promise<string> => bodyFor({ 'x-region': region, 'x-version': 'canary' }, path);
      expect([await at('/checkout?a=/b', 'eu'), await at('/checkout/1', 'us')]).toEqual(['green', 'green']);
      for (const [path, region] of [
        ['/checkouts', 'eu'],
        ['/', 'eu'],
        ['/checkout', 'asia'],
        ['/?/checkout', 'eu'],
      ] as const)
        // prettier-ignore
        expect(await at(path, region)).toBe('blue');
    });

    it('survives hostile values', async () => {
      await split(50, { ...BY_USER, sticky: true, force: { cookie: 'v' } });
      for (const value of ['x'.repeat(6_000), '|'.repeat(50), '%00%0a', '"a b;c', '\u0080\u{1f680}', '; ; =; uid; uid==;'])
        for (const name of ['x-user-id', 'cookie']) expect(await bodyFor({ [name]: value })).toMatch(/^(blue|green)$/);
      expect(await bodyFor({ cookie: 'slipway-cohort=99999999999; v=canary' })).toBe('green');
    });

    it('has a user back on the same version after a request that another one answered for', async () => {
      const user = USERS.find((one) => bucketOf(wire(one)) < 5_000) ?? '';
      await split(50, { ...BY_USER, sticky: true });
      await bed.rig.setEndpoints(GREEN, local(await freePort()));
      await until('the other version answers', async () => (await bodyFor({ 'x-user-id': user })) === 'blue');
      await serveAs(bed, GREEN, 'green');
      await until('the instance is in service', async () => (await bodyFor({ 'x-user-id': user })) === 'green');
      for (let turn = 0; turn < 20; turn++) expect(await bodyFor({ 'x-user-id': user })).toBe('green');
    });

    it('may be as long as it is said, and no longer', async () => {
      const rules = (count: number): Cohort => ({
        only: { headers: { 'x-tenant': Array.from({ length: count }, (_, tenant) => `tenant-${tenant}`.padEnd(26, '.')) } },
      });
      await split(99, rules(100));
      const bodies = await Promise.all(Array.from({ length: 20 }, () => bodyFor({ 'x-tenant': 'tenant-99'.padEnd(26, '.') })));
      expect(bodies).toContain('green');
      expect(await bodyFor({ 'x-tenant': 'another' })).toBe('blue');
      await expect(split(99, rules(101))).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringContaining('at most 5000') as string,
      });
    });

    it('goes, and is refused where it says nothing, with the route as it was', async () => {
      await split(50, BY_USER);
      await expect(split(60, {})).rejects.toMatchObject({ code: 'config_invalid' });
      expect(await bed.rig.router().inspect(bed.id)).toMatchObject({
        spec: { cohort: BY_USER, backends: [{ weight: 50 }, { weight: 50 }] },
      });
      await split(50);
      const bodies = await Promise.all(Array.from({ length: 100 }, () => bodyFor({ 'x-user-id': 'a' })));
      expect(bodies.filter((body) => body === 'green')).toHaveLength(50);
    });
  });
}
