import { describe, expect, it } from 'vitest';
import { flagWorld } from './flag-world.ts';

const { ask, json } = flagWorld();

describe('tokens on the command line', () => {
  it('are shown once, listed without their secret, and revoked once', async () => {
    const made = await json('token', 'create', '--scope', 'kill', '--scope', 'client-evaluate', '--expires', '30d');
    expect(made).toMatchObject({ token: expect.stringMatching(/^slp_[0-9a-f]{16}_[0-9a-f]{64}$/), scopes: ['client-evaluate', 'kill'] });
    const [, id = '', secret = ''] = String(made['token']).split('_');
    const listed = await ask('token', 'list');
    expect(listed.out).toMatch(new RegExp(`${id} +dev +client-evaluate, kill +until 20`));
    expect(listed.out).not.toContain(secret);
    expect(await json('token', 'revoke', id, '--reason', 'the laptop is lost')).toMatchObject({ id, revoked: true, actor: 'ann' });
    expect(await ask('token', 'revoke', id)).toMatchObject({ exit: 4 });
    expect(await ask('token', 'revoke', 'nope')).toMatchObject({ exit: 3 });
  });

  it('tell who made and who revoked them, when and why', async () => {
    const ids: string[] = [];
    for (const description of ['on call', 'shop'])
      ids.push(String((await json('token', 'create', '--scope', 'kill', '-e', 'told', '--description', description))['id']));
    const [first = '', second = ''] = ids;
    await ask('token', 'revoke', first, '--reason', 'on holiday');
    const at = String.raw`20\S+Z  `;
    expect((await ask('token', 'history', '--env', 'told')).out).toMatch(
      new RegExp(
        `^${at}revoked by ann: ${first}, which may kill in told \\(on holiday\\)\n${at}made by ann: ${second}, which may kill in told \\(shop\\)\n${at}made by ann: ${first}, .* \\(on call\\)\n$`,
      ),
    );
    const { events } = (await json('token', 'history')) as { readonly events: readonly object[] };
    expect(events).toContainEqual({
      at: expect.stringMatching(/Z$/),
      action: 'revoked',
      actor: 'ann',
      reason: 'on holiday',
      token: { id: first, environment: 'told', scopes: ['kill'] },
    });
    expect(events.length).toBeGreaterThan(3);
    expect((await ask('token', 'history', '--env', 'nobody')).out).toBe('No token was ever made.\n');
  });
});
