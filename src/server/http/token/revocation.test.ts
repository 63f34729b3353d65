import type { Context } from 'hono';
import { afterEach, expect, test } from 'vitest';
import type { Token } from '../../../flags/index.ts';
import type { Clock, Duration } from '../../../kernel/index.ts';
import { watchTokens } from '../../flags-stream/holders.ts';
import type { EventStreams, ServeEnv, Snapshots } from '../mount.ts';
import { createNotices } from '../ofrep/notices.ts';
import { createTokenDoor } from './door.ts';

/** What docs/flags/server.md promises. */
const BOUND_MS = 3_000;

const TOKEN: Token = {
  id: 'a',
  environment: 'dev',
  scopes: ['client-evaluate', 'server-evaluate'],
  description: '',
  createdBy: 'ann',
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  revokedBy: null,
  revokeReason: null,
  lastUsedAt: null,
};

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

/** Lets everything happen that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A server process, of which time passes only when it is told to. */
async function begin() {
  let now = 0;
  let revoked = false;
  let sleepers: { readonly at: Duration; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        sleepers.push({ at: now + ms, wake: resolve });
        signal?.addEventListener('abort', () => resolve());
      }),
  };
  const findAll = (ids: readonly string[]) =>
    Promise.resolve(new Map(ids.map((id) => [id, { token: { ...TOKEN, id, revokedAt: revoked ? now : null }, secretSha256: '00' }])));
  const log = (): void => undefined;
  const door = createTokenDoor({
    tokens: { findAll } as never,
    clock,
    log,
    rate: { perSecond: 1_000, burst: 1_000 },
    addressOf: () => '',
    refusals: { note: log },
  });
  const ended: string[] = [];
  const streams: EventStreams = {
    open: () => ({ stream: { send: log, end: () => void ended.push('values') }, response: new Response() }),
  };
  const snapshots = { get: () => Promise.resolve(), peek: () => null, subscribe: () => log } as unknown as Snapshots;
  const isValid = async (id: string): Promise<boolean> => (await door.valid(id)) !== null;
  const notices = createNotices({ clock, random: () => 0, streams, snapshots, stillValid: isValid, invite: door.invite });
  const holders = watchTokens({ clock, log, stillAllowed: ({ id }) => isValid(id) });
  ends.push(notices.close, holders.stop);
  await notices.open({} as Context<ServeEnv>, TOKEN, 0);
  holders.add(TOKEN, { send: log, end: () => void ended.push('rules') });
  return {
    ended,
    isValid: () => isValid(TOKEN.id),
    revoke: () => void (revoked = true),
    pass: async (ms: Duration): Promise<void> => {
      now += ms;
      const due = sleepers.filter(({ at }) => at <= now);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
      await settle();
    },
  };
}

test.each(Array.from({ length: 12 }, (_, at) => at * 250))(
  'whatever happened %d ms before, a revoked token and its streams end within the bound',
  async (before) => {
    const server = await begin();
    await server.pass(before);
    // Looked up at the last moment before: it counts as known for as long as anything does.
    expect(await server.isValid()).toBe(true);
    server.revoke();
    for (let passed = 0; passed < BOUND_MS; passed += 125) await server.pass(125);
    expect(new Set(server.ended)).toEqual(new Set(['values', 'rules']));
    expect(await server.isValid()).toBe(false);
  },
);
