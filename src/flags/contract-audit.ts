import { expect, test } from 'vitest';
import { aFlag } from './contract-flag.ts';
import type { FlagConnection } from './contract.ts';
import { isSecret, readToken } from './token.ts';
import { createToken } from './tokens.ts';

const made = (key: string) => ({ kind: 'flag', key, revision: null, after: aFlag() }) as const;

/** Part of the contract of the flag store: who did what to tokens, and environments in which each change must say why. */
export function auditContract(both: () => readonly [FlagConnection, FlagConnection], fresh: () => string): void {
  test('a token is found by its id, is revoked once, and tells when it was used; its secret is nowhere', async () => {
    const [one, two] = both();
    const environment = fresh();
    const ids = { token: () => Math.random().toString(16).slice(2).padEnd(32, '0') };
    const expiresAt = Date.UTC(2027, 0, 31);
    const draft = { environment, scopes: ['kill', 'write'] as const, description: 'on call', actor: 'ann', expiresAt };
    const { token, text } = await createToken({ ...one, ids }, draft);
    const kept = {
      environment,
      scopes: ['kill', 'write'],
      createdBy: 'ann',
      expiresAt,
      revokedAt: null,
      revokedBy: null,
      lastUsedAt: null,
    };
    expect(token).toMatchObject(kept);
    const { id, secret } = readToken(text) ?? { id: '', secret: '' };
    const found = await two.tokens.find(id);
    expect(found?.token).toEqual(token);
    expect([isSecret(secret, found?.secretSha256 ?? ''), isSecret(`${secret}0`, found?.secretSha256 ?? '')]).toEqual([true, false]);
    expect(JSON.stringify(found)).not.toContain(secret);
    expect(await two.tokens.find('0000000000000000')).toBeNull();
    await one.tokens.used([id, '0000000000000000']);
    const used = (await two.tokens.find(id))?.token.lastUsedAt ?? 0;
    expect([used > 0, used % 60_000]).toEqual([true, 0]);
    const by = (actor: string) => ({ actor, reason: `${actor} says so` });
    const revoked = [one.tokens.revoke(id, by('ben')), two.tokens.revoke(id, by('cleo')), one.tokens.revoke('nope', by('ann'))];
    expect((await Promise.all(revoked)).filter(Boolean)).toHaveLength(1);
    const [ended] = await one.tokens.list(environment);
    expect(ended).toMatchObject({ id, revokeReason: `${ended?.revokedBy} says so` });
    expect(ended?.revokedAt).toBeGreaterThan(0);
    expect(await two.tokens.revoke(id, by('dora'))).toBe(false);
    expect(await one.tokens.list(environment)).toEqual([ended]);
    expect((await one.tokens.list(null)).map((each) => each.id)).toContain(id);
    expect(await one.tokens.list(fresh())).toEqual([]);
  });

  test('where reasons are required no change is written without one, and each change of that is written once', async () => {
    const [one, two] = both();
    const environment = fresh();
    const by = { actor: 'ann', reason: 'audit' };
    const bare = { environment, actor: 'ann', reason: ' ', action: 'create', acknowledge: false, writes: [made('a')] } as const;
    expect(await one.flags.needsReasons(environment)).toBe(false);
    const tried = await Promise.all([one.flags.requireReasons(environment, true, by), two.flags.requireReasons(environment, true, by)]);
    expect(tried.filter((change) => change !== null)).toMatchObject([{ seq: 1, action: 'reasons-required', writes: [], ...by }]);
    expect(await two.flags.needsReasons(environment)).toBe(true);
    await expect(one.flags.commit(bare)).rejects.toMatchObject({ code: 'reason_missing' });
    await expect(two.flags.commitChecked(1, bare)).rejects.toMatchObject({ code: 'reason_missing' });
    expect((await one.flags.read(environment)).set).toMatchObject({ seq: 1, flags: {} });
    expect(await one.flags.commit({ ...bare, reason: 'why' })).toMatchObject({ seq: 2 });
    expect(await one.flags.requireReasons(environment, false, by)).toMatchObject({ seq: 3, action: 'reasons-optional' });
    expect(await one.flags.commit({ ...bare, writes: [made('b')] })).toMatchObject({ seq: 4 });
  });
}
