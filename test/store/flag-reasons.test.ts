import { expect, it } from 'vitest';
import { aFlag } from '../server/bed.ts';
import { serversBed } from './servers-bed.ts';

const bed = serversBed();
const by = { actor: 'ann', reason: 'audit' };

/** What a build writes that does not know that an environment may want reasons. */
const change = (environment: string, seq: number, reason: string) =>
  bed.query(
    `insert into slipway.flag_change (environment, seq, at, actor, reason, action, acknowledge, writes, keys, attempt)
     values ('${environment}', ${seq}, now(), 'old', '${reason}', 'change', false, '[]', '{}', '${environment} ${seq}')`,
  );
const token = (id: string, environment: string, description: string) =>
  bed.query(
    `insert into slipway.token (id, secret_sha256, environment, scopes, description, created_by, created_at)
     values ('${id}', '00', '${environment}', '{kill}', '${description}', 'old', now())`,
  );
const revoke = (id: string) => bed.query(`update slipway.token set revoked_at = now() where id = '${id}'`);

/** As every build takes it for: the store refuses, in words that say why. */
const REFUSED = { code: '42501', message: 'Each change in strict needs a reason' };

it('an environment that needs reasons is written to without one by nobody, of whichever build', async () => {
  const { flags } = bed.store;
  await flags.requireReasons('strict', true, by);
  await token('before', 'strict', 'on call');
  for (const reason of ['', '  \n']) await expect(change('strict', 2, reason), JSON.stringify(reason)).rejects.toMatchObject(REFUSED);
  await expect(token('a', 'strict', '')).rejects.toMatchObject(REFUSED);
  await expect(revoke('before')).rejects.toMatchObject(REFUSED);
  // What says why is written, and what is no change of anything needs no reason.
  await change('strict', 2, 'ticket 17');
  await bed.query(`update slipway.token set last_used_at = now() where id = 'before'`);
  await bed.query(`update slipway.token set revoked_at = now(), revoke_reason = 'lost' where id = 'before'`);
  await bed.query(`update slipway.flag_environment set seq = 2 where name = 'strict'`);
  await flags.requireReasons('strict', false, by);
  await change('strict', 4, '');
  await token('b', 'strict', '');
});

it('other environments are, and need none', async () => {
  const { flags } = bed.store;
  await flags.requireReasons('strict2', true, by);
  const write = { kind: 'flag', key: 'release_a', revision: null, after: aFlag() } as const;
  const bare = { environment: 'free', actor: 'ann', reason: '', action: 'create', acknowledge: false, writes: [write] } as const;
  expect(await flags.commit(bare)).toMatchObject({ seq: 1 });
  await token('c', 'free', '');
  await revoke('c');
  await token('d', 'nobody-wrote-to', '');
});

it('whoever looked before that was wanted is told so as by itself', async () => {
  const { flags, tokens } = bed.store;
  await flags.requireReasons('strict3', true, by);
  const draft = { id: 'e', environment: 'strict3', scopes: ['kill'], description: '', createdBy: 'ann', expiresAt: null } as const;
  await expect(tokens.create(draft, '00')).rejects.toMatchObject({
    code: 'reason_missing',
    message: 'Each change in strict3 needs a reason',
  });
  await tokens.create({ ...draft, description: 'on call' }, '00');
  await expect(tokens.revoke('e', { actor: 'ann', reason: ' ' })).rejects.toMatchObject({ code: 'reason_missing' });
  expect(await tokens.revoke('e', { actor: 'ann', reason: 'lost' })).toBe(true);
});
