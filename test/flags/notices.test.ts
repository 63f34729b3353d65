import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postNotice, tellOwners, type Flag, type NoticeDeps } from '../../src/flags/index.ts';
import { dueThreshold } from '../../src/flags/core/notice.ts';
import { noticeAddresses } from '../../src/cli/notify.ts';
import { createSecrets } from '../../src/cli/secrets.ts';
import { systemClock } from '../../src/kernel/index.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { scratch } from '../cli/support.ts';
import { embeddedServer, query, type TestServer } from '../store/support.ts';
import { OFF_FLAG } from '../support/flag.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 30);
const iso = (at: number): string => new Date(at).toISOString();
const about = (made: number, end: number) => ({ ...OFF_FLAG.about, createdAt: iso(made), expiresAt: iso(end) });

describe('the threshold that is due', () => {
  it.each([
    [-15, null],
    [-14, '14d-before'],
    [-0.001, '14d-before'],
    [0, 'expired'],
    [6.9, 'expired'],
    [7, 'expired-1w'],
    [30, 'expired-4w'],
  ])('%d days after the end is %s', (days, expected) => {
    expect(dueThreshold(about(NOW - 300 * DAY, NOW - days * DAY), NOW)).toBe(expected);
  });

  it('is none of a flag without an end, or from before the flag was made', () => {
    expect(dueThreshold({ ...OFF_FLAG.about, expiresAt: null }, NOW)).toBeNull();
    expect(dueThreshold(about(NOW - DAY, NOW + 5 * DAY), NOW)).toBeNull();
    expect(dueThreshold(about(NOW - DAY, NOW - DAY / 2), NOW)).toBe('expired');
  });

  it('changes once at each threshold, and never goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -30 * 24, max: 90 * 24 }), { minLength: 1, maxLength: 50 }), (hours) => {
        const seen = hours.toSorted((a, b) => a - b).map((hour) => dueThreshold(about(NOW - 300 * DAY, NOW), NOW + hour * 3_600_000));
        const distinct = seen.filter((one, index) => one !== seen[index - 1]);
        expect(new Set(distinct).size).toBe(distinct.length);
      }),
    );
  });
});

interface Got {
  readonly path: string;
  readonly key: string;
  readonly body: { readonly flag: string; readonly threshold: string; readonly owner: string; readonly text: string };
}

describe('owners are told', () => {
  const got: Got[] = [];
  let status = 204;
  const receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      got.push({ path: request.url ?? '', key: String(request.headers['idempotency-key']), body: JSON.parse(text) as Got['body'] });
      response.writeHead(status).end();
    });
  });
  const home = scratch();
  let server: TestServer;
  let url: string;
  let one: OpenStore;
  let two: OpenStore;
  let base: string;
  const log: string[] = [];

  beforeAll(async () => {
    server = await embeddedServer();
    await new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    receiver.close();
    await server.stop();
    home.remove();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
    [one, two] = [await server.open(url), await server.open(url)];
    got.length = 0;
    log.length = 0;
    status = 204;
  });

  const deps = ({ flags, notices }: OpenStore, changes: Partial<NoticeDeps> = {}): NoticeDeps => ({
    store: flags,
    notices,
    addressOf: () => Promise.resolve((owner) => `${base}/${owner}`),
    send: postNotice,
    clock: systemClock,
    faults: { at: () => undefined },
    log: (level, message, fields) => void log.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...changes,
  });
  const expiring = (days: number): Flag => ({ ...OFF_FLAG, about: about(Date.now() - 300 * DAY, Date.now() + days * DAY) });
  const commit = (key: string, flag: Flag, revision: number | null = null) =>
    one.flags.commit({
      environment: 'prd',
      actor: 'ann',
      reason: '',
      action: 'create',
      acknowledge: false,
      writes: [{ kind: 'flag', key, revision, after: flag }],
    });
  const never = new AbortController().signal;
  const tell = (store: OpenStore, changes?: Partial<NoticeDeps>) => tellOwners(deps(store, changes), never);

  it('once, by any number of processes that look at the same time and again', async () => {
    await commit('release_soon', expiring(5));
    await commit('release_past', expiring(-8));
    await commit('release_far', expiring(60));
    await Promise.all([tell(one), tell(two), tell(one), tell(two)]);
    await tell(one);
    // Long after, and in another process.
    await query(url, "update slipway.flag_notice set claimed_until = now() - interval '1 second'");
    await tell(two);
    expect(got.map(({ path: to, body }) => `${to} ${body.flag} ${body.threshold}`).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      '/shop release_past expired-1w',
      '/shop release_soon 14d-before',
    ]);
    expect(got.find(({ body }) => body.flag === 'release_soon')?.body.text).toMatch(
      /^The flag release_soon in prd expires in 4d, on 20\d\d-.* It is shop's:/,
    );
  });

  it('again when the flag has another end', async () => {
    const { seq } = await commit('release_soon', expiring(5));
    await tell(one);
    await commit('release_soon', expiring(6), seq);
    await tell(two);
    expect(new Set(got.map(({ key }) => key)).size).toBe(2);
  });

  it('later, when it did not get there', async () => {
    await commit('release_soon', expiring(5));
    status = 500;
    await tell(one);
    expect(log).toEqual([expect.stringMatching(/^warn owners of flags in prd could not be told; .*answered 500/)]);
    expect(log.join()).not.toContain(base);
    status = 204;
    await tell(one);
    // Whoever claimed it may still be sending it.
    expect(got).toHaveLength(1);
    await query(url, "update slipway.flag_notice set claimed_until = now() - interval '1 second'");
    await Promise.all([tell(one), tell(two)]);
    expect(got).toHaveLength(2);
  });

  it.each(['notice.claimed', 'notice.sent'])('by another process when one ends at %s; a second copy has the same key', async (point) => {
    await commit('release_soon', expiring(5));
    const at = (reached: string): void => {
      if (reached === point) throw new Error('killed');
    };
    await tell(one, { faults: { at } });
    await query(url, "update slipway.flag_notice set claimed_until = now() - interval '1 second'");
    await tell(two);
    await tell(one);
    expect(got).toHaveLength(point === 'notice.sent' ? 2 : 1);
    expect(new Set(got.map(({ key }) => key)).size).toBe(1);
  });

  it('where slipway.yaml of the folder says, by owner and environment', async () => {
    const folder = path.join(home.path, 'service');
    mkdirSync(folder);
    const addresses = async (environment: string) =>
      (await noticeAddresses(folder, environment, createSecrets({ ALL: `${base}/all`, SHOP: `${base}/shop` })))?.('shop');
    expect(await addresses('prd')).toBeUndefined();
    const service = 'service: shop\nlisten: 8080\nrun: node a.js\n';
    const notify = 'notify: { url: "${env:ALL}", owners: { shop: "${env:SHOP}" } }\n';
    writeFileSync(
      path.join(folder, 'slipway.yaml'),
      `${service}${notify}environments:\n  dev: { notify: null }\n  stg: { notify: { owners: null } }\n  prd: {}\n`,
    );
    expect(await Promise.all(['prd', 'stg', 'dev', 'elsewhere'].map(addresses))).toEqual([
      `${base}/shop`,
      `${base}/all`,
      undefined,
      undefined,
    ]);
    writeFileSync(path.join(folder, 'slipway.yaml'), `${service}notify: { url: https://hooks.example/T000 }\n`);
    await expect(addresses('prd')).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('must be a reference'),
    });
    writeFileSync(path.join(folder, 'slipway.yaml'), `${service}notify: { url: "\${env:NOT_SET}" }\n`);
    await expect(addresses('prd')).rejects.toMatchObject({ code: 'secret_missing' });
  });

  it('nobody, and nothing is claimed, where no address is known', async () => {
    await commit('release_soon', expiring(5));
    await tell(one, { addressOf: () => Promise.resolve(null) });
    await tell(one);
    expect(got).toHaveLength(1);
  });
});
