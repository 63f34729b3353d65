import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Reach } from '../../src/flags/index.ts';
import { flagWorld } from './flag-world.ts';
import { inProcess } from './support.ts';

const { home, store, ask, json, create } = flagWorld();

describe('flags on the command line', () => {
  it('are made off, listed and shown', async () => {
    expect(await create('release_checkout', '--description', 'the new one')).toMatchObject({ exit: 0, err: '' });
    expect((await ask('flag', 'list')).out).toMatch(/release_checkout +disabled +boolean +shop +20\d\d-/);
    expect((await ask('flag', 'show', 'release_checkout')).out).toMatch(/off: everybody gets off/);
    expect(await json('flag', 'show', 'release_checkout')).toMatchObject({
      environment: 'dev',
      key: 'release_checkout',
      revision: 1,
      turnedOff: null,
      flag: {
        enabled: false,
        off: 'off',
        variants: { on: true, off: false },
        default: { variant: 'on' },
        about: { description: 'the new one' },
      },
    });
    await ask('flag', 'on', 'release_checkout');
    await ask('flag', 'off', 'release_checkout', '--reason', 'support is overrun');
    await ask('flag', 'set', 'release_checkout', '--owner', 'web');
    expect((await ask('flag', 'show', 'release_checkout')).out).toMatch(/\n +turned off by ann at 20\S+Z: support is overrun\n/);
    expect(await json('flag', 'show', 'release_checkout')).toMatchObject({ turnedOff: { seq: 3, actor: 'ann' }, kill: null });
    await ask('flag', 'on', 'release_checkout');
    expect(await json('flag', 'show', 'release_checkout')).toMatchObject({ turnedOff: null });
    await ask('flag', 'off', 'release_checkout');
    expect(await create('release_checkout')).toMatchObject({ exit: 5, err: expect.stringContaining('is there already, changed by ann') });
  });

  it('are killed at once, with a reason; without a server nobody is said to have it', async () => {
    await create('release_pay', '--env', 'prd');
    expect(await ask('flag', 'kill', 'release_pay')).toMatchObject({ exit: 2, err: expect.stringContaining('A kill needs a reason') });
    const killed = await ask('flag', 'kill', 'release_pay', '--reason', 'orders are lost');
    expect(killed).toMatchObject({
      exit: 19,
      out: expect.stringMatching(
        /release_pay is off in prd, since .*\nThat is so in the store\. .* no server process runs: start `slipway serve`, then ask `slipway flag show release_pay --env prd`/,
      ),
    });
    expect(await json('flag', 'show', 'release_pay', '--env', 'prd')).toMatchObject({ flag: { enabled: false }, revision: 2 });
  });

  it('a kill does not guess between environments', async () => {
    for (const name of ['dev', 'prd']) await create('release_twice', '--env', name);
    expect(await ask('flag', 'kill', 'release_twice', '--reason', 'x')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('release_twice is in dev, prd'),
    });
    expect(await json('flag', 'list', '--env', 'prd')).toMatchObject({
      flags: [{ key: 'release_pay' }, { key: 'release_twice', revision: 3 }],
    });
  });
});

describe('changing flags on the command line', () => {
  it('on, off, a share, a rule, a segment, history and explanation', async () => {
    await create('release_cart');
    expect((await ask('flag', 'set', 'release_cart', '--percentage', '25')).out).toContain('off (once it is on: 25% on, 75% off)');
    expect((await ask('flag', 'on', 'release_cart', '--reason', 'ticket 17')).out).toBe('release_cart in dev: 25% on, 75% off\n');
    expect(await json('flag', 'on', 'release_cart')).toMatchObject({ changed: false, seq: null, flag: { enabled: true } });
    const when = '{ attribute: email, operator: endsWith, values: ["@shop.example"] }';
    expect(await ask('flag', 'segment', 'staff', '--when', when)).toMatchObject({ exit: 0 });
    expect((await ask('flag', 'segment')).out).toMatch(/staff +email endsWith \["@shop.example"\]/);
    writeFileSync(join(home, 'rule.yaml'), 'any:\n  - segment: staff\n  - { attribute: plan, operator: eq, value: pro }\n');
    const target = ['flag', 'target', 'release_cart', '--rule', 'first', '--when', `@${join(home, 'rule.yaml')}`, '--serve', 'on'];
    expect((await ask(...target)).out).toContain('1 rule, else 25% on, 75% off');
    expect((await ask('flag', 'target', 'release_cart')).out).toMatch(/first: segment staff or plan eq "pro" gets on/);
    const explained = await ask('flag', 'explain', 'release_cart', '--context', '{targetingKey: u1, plan: pro, email: ann@shop.example}');
    // An address that is asked about is shown, not hidden: without it nobody could see why.
    expect(explained.out).toMatch(/on = true[^]*yes +rule first[^]*"ann@shop.example"[^]*plan eq "pro": it is "pro"/);
    expect(await json('flag', 'explain', 'release_cart', '--user', 'u1')).toMatchObject({
      steps: [{ step: 'rule', holds: false }, {}, { step: 'split' }],
    });
    const { changes } = (await json('flag', 'history', 'release_cart')) as { changes: { seq: number; action: string; actor: string }[] };
    expect(changes.map(({ action, actor }) => `${action} ${actor}`)).toEqual(['change ann', 'change ann', 'change ann', 'create ann']);
    expect((await ask('flag', 'history', 'release_cart')).out).toMatch(/change by ann: ticket 17\n {2}release_cart: enabled false -> true/);
    const first = String(changes.at(-1)?.seq);
    expect((await ask('flag', 'explain', 'release_cart', '--user', 'u1', '--at', first)).out).toContain('it is off');
    expect(await ask('flag', 'segment', 'staff', '--delete')).toMatchObject({ exit: 2, err: expect.stringContaining('staff') });
    const deal = (...how: readonly string[]) => ask('flag', 'target', 'release_cart', '--rule', 'first', '--split', ...how);
    await deal('on=10,off=90', '--by', 'company');
    // Who had it keeps it: dealt by the same attribute, from the same end.
    expect((await deal('off=80,on=20')).out).toContain('1 rule, else');
    expect((await ask('flag', 'target', 'release_cart')).out).toContain('gets 20% on, 80% off by company');
    expect(await ask('flag', 'target', 'release_cart', '--remove', 'first')).toMatchObject({ exit: 0 });
    expect(await ask('flag', 'segment', 'staff', '--delete')).toMatchObject({ exit: 0 });
    expect(await ask('flag', 'delete', 'release_cart')).toMatchObject({ exit: 4, err: expect.stringContaining('is on in dev') });
    expect(await ask('flag', 'off', 'release_cart')).toMatchObject({ exit: 0 });
    expect(await ask('flag', 'delete', 'release_cart')).toMatchObject({ exit: 0 });
  });

  it('values of several kinds, splits by an attribute, prerequisites and what people know', async () => {
    const made = ['--type', 'ops', '--owner', 'shop', '--value-type', 'json', '--variant', 'a={"x":[1]}', '--variant', 'b=null'];
    expect(await ask('flag', 'create', 'ops_limits', ...made)).toMatchObject({ exit: 0 });
    await create('release_base');
    const set = (...args: readonly string[]) => ask('flag', 'set', 'ops_limits', ...args);
    for (const args of [
      ['--split', 'a=12.5,b=87.5', '--by', 'company'],
      [
        '--value',
        'c="x"',
        '--off',
        'b',
        '--stale',
        '10m',
        '--needs',
        'release_base=on',
        '--owner',
        'ops',
        '--tag',
        't',
        '--expires',
        '30d',
      ],
      ['--remove-variant', 'c', '--name', 'Limits'],
    ])
      expect(await set(...args), args.join(' ')).toMatchObject({ exit: 0 });
    expect(await json('flag', 'show', 'ops_limits')).toMatchObject({
      flag: {
        variants: { a: { x: [1] }, b: null },
        default: {
          weights: [
            { variant: 'a', weight: 12_500 },
            { variant: 'b', weight: 87_500 },
          ],
          by: 'company',
        },
        off: 'b',
        stale: { afterMs: 600_000 },
        prerequisites: [{ flag: 'release_base', variants: ['on'] }],
        about: { owner: 'ops', name: 'Limits', tags: ['t'], expiresAt: expect.any(String) },
      },
    });
    expect(await set('--needs-not', 'release_base', '--expires', 'never', '--stale', 'never')).toMatchObject({ exit: 0 });
    expect(await json('flag', 'show', 'ops_limits')).toMatchObject({
      flag: { prerequisites: [], stale: null, about: { expiresAt: null } },
    });
  });

  it('a slip of the pen is met with what was meant', async () => {
    await create('release_only', '--env', 'prd');
    expect(await ask('flag', 'show', 'release_only')).toMatchObject({ exit: 3, err: expect.stringContaining('It is in prd: add --env') });
    expect(await ask('flag', 'on', 'release_onyl', '--env', 'prd')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('Did you mean release_only?'),
    });
    expect(await ask('flag', 'kill', 'release_only', '--env', 'dev', '--reason', 'x')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('It is in prd: it is not in the one given; pass --env prd'),
    });
    expect(await ask('flag', 'kill', 'release_only', '--reason', 'x', '--within', 'soon')).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/of at most 1h\b/),
    });
    expect(await ask('flag', 'history', 'release_never')).toMatchObject({ exit: 3 });
  });
});

describe('a kill that servers have heard of', () => {
  const from = { address: '10.0.0.7', token: { id: 'ab12', description: 'shop backend' } };
  const reach = async (seq: number, acknowledged: number): Promise<Reach> => ({
    environment: 'stg',
    process: 'p1',
    history: (await store().flags.read('stg')).history,
    inMemory: seq,
    connected: 10_000,
    seq,
    acknowledged,
    p50Ms: 40,
    p99Ms: 300,
    lastMs: 600,
    stale: acknowledged === 10_000 ? [] : [{ client: 'c1', since: 0, from }],
  });

  it('ends as soon as every client has acknowledged it, and tells who has not when the time is over', async () => {
    await create('release_far', '--env', 'stg');
    await store().telemetry.present({ process: 'p1', limitMs: 60_000 });
    await store().telemetry.report(await reach(0, 0));
    const killing = ask('flag', 'kill', 'release_far', '--env', 'stg', '--reason', 'x', '--within', '60s');
    await expect.poll(async () => (await store().flags.read('stg')).set.seq).toBe(2);
    await store().telemetry.report(await reach(2, 9_998));
    await store().telemetry.report(await reach(2, 10_000));
    expect(await killing).toMatchObject({ exit: 0, out: expect.stringContaining('10,000 of 10,000 clients have it in 600ms.') });
    await store().telemetry.report(await reach(3, 9_998));
    const late = await ask('flag', 'kill', 'release_far', '--env', 'stg', '--reason', 'x', '--within', '100ms');
    expect(late).toMatchObject({
      exit: 19,
      out: expect.stringMatching(
        /9,998 of 10,000 clients have it in 600ms; 2 did not say so\.\nThe client c1 at 10\.0\.0\.7, with the token ab12 \(shop backend\), is silent since 1970\S+Z\.\n1 more is not named\./,
      ),
    });
    expect(await json('flag', 'show', 'release_far', '--env', 'stg')).toMatchObject({
      delivery: { stale: [{ client: 'c1', since: '1970-01-01T00:00:00.000Z', ...from }] },
    });
    // Numbers of an earlier change say nothing of this one.
    const deaf = await ask('flag', 'kill', 'release_far', '--env', 'stg', '--reason', 'x', '--within', '100ms', '--json');
    expect(deaf.exit).toBe(19);
    expect(JSON.parse(deaf.out)).toMatchObject({ enabled: false, delivery: { servers: 1, heard: 0, acknowledged: 0, complete: false } });
    await store().telemetry.report({ ...(await reach(4, 0)), connected: 0 });
    expect(await ask('flag', 'show', 'release_far', '--env', 'stg')).toMatchObject({
      out: expect.stringContaining(
        'No client of @slipway/flags is connected; every server process answers with it, so clients that ask by OFREP have it',
      ),
    });
    await store().telemetry.report(await reach(4, 9_999));
    await store().telemetry.leave('p1');
    const shown = await json('flag', 'show', 'release_far', '--env', 'stg');
    const ended = [{ process: 'p1', clients: 1, at: expect.stringMatching(/Z$/), until: expect.stringMatching(/Z$/) }];
    expect(shown).toMatchObject({ delivery: { servers: 0, complete: false, ended } });
  });
});

describe('bad input', () => {
  it.each([
    [['flag', 'create', 'release_a'], '--type is needed'],
    [['flag', 'create', 'release_a', '--type', 'release'], '--owner is needed'],
    [['flag', 'create', 'release_a', '--type', 'release', '--owner', 'x'], '--expires is needed'],
    [['flag', 'create', 'release_a', '--type', 'release', '--owner', 'x', '--expires', 'never'], '--expires is needed'],
    [['flag', 'create', 'release_a', '--type', 'release', '--owner', 'x', '--expires', 'soon'], 'a day such as'],
    [['flag', 'create', 'release_a', '--type', 'release', '--owner', 'x', '--expires', '2020-01-01'], 'that is past'],
    [['flag', 'create', 'release_a', '--type', 'release', '--owner', 'x', '--expires', '2027-02-31'], 'a day such as'],
    [['flag', 'create', 'ops_a', '--type', 'ops', '--owner', 'x', '--value-type', 'number', '--variant', 'a=x'], 'that is no number'],
    [['flag', 'create', 'ops_a', '--type', 'ops', '--owner', 'x', '--variant', 'a'], 'a name and a value'],
    [['flag', 'create', 'cart', '--type', 'ops', '--owner', 'x'], 'must be named {type}_{feature}'],
    [['flag', 'create', 'ops_a', '--type', 'ops', '--owner', 'x', '--value-type', 'string'], 'variants'],
    [['flag', 'create', 'ops_a', '--type', 'kill', '--owner', 'x'], 'Allowed choices'],
    [['flag', 'on', 'a', '--env', 'Prd!'], 'an environment is named by'],
    [['flag', 'set', 'a'], 'Nothing to change was named'],
    [['flag', 'set', 'a', '--value', 'large'], 'a name and a value'],
    [['flag', 'set', 'a', '--expires', 'soon'], 'a day such as'],
    [['flag', 'set', 'a', '--percentage', '101'], 'a share in percent'],
    [['flag', 'set', 'a', '--percentage', '0.0001'], 'a share in percent'],
    [['flag', 'set', 'a', '--split', 'a=50,b=49'], '99% together'],
    [['flag', 'set', 'a', '--split', 'a'], 'variants and their shares'],
    [['flag', 'set', 'a', '--split', 'a=100', '--variant', 'a'], '--split says it all'],
    [['flag', 'set', 'a', '--by', 'x'], '--by needs'],
    [['flag', 'set', 'a', '--needs', 'b'], 'a flag and what it must serve'],
    [['flag', 'target', 'a', '--rule', 'x', '--when', 'plan'], 'an object is needed'],
    [['flag', 'target', 'a', '--rule', 'x', '--when', '{ a: '], '--when'],
    [['flag', 'target', 'a', '--rule', 'x', '--when', '@/no/such/file'], 'no such file'],
    [['flag', 'target', 'a', '--rule', 'x', '--remove', 'y'], 'two commands'],
    [['flag', 'target', 'a', '--when', '{ attribute: plan, eq: pro }', '--serve', 'on'], '--when needs --rule'],
    [['flag', 'target', 'a', '--first'], '--first needs --rule'],
    [['flag', 'target', 'a', '--rule', 'x', '--first', '--before', 'y'], 'two places'],
    [['flag', 'segment', 'a', '--delete', '--when', '{}'], '--delete needs no'],
    [['flag', 'segment', '--when', '{ segment: b }'], 'Which segment'],
    [['flag', 'explain', 'a'], '--context or --user'],
    [['flag', 'explain', 'a', '--user', 'u', '--at', 'x'], 'a whole number'],
    [['flag', 'history', '--limit', '0'], 'a whole number'],
    [['flag', 'list', '--env', 'Prd!'], 'an environment is named by'],
    [['flag', 'kill', 'a'], 'A kill needs a reason'],
    [['flag', 'kill', 'a', '--reason', ' '], 'A kill needs a reason'],
    [['flag', 'kill', 'a', '--reason', 'x', '--within', 'long'], 'a length of time'],
    [['flag', 'kill', 'a', '--reason', 'x', '--env', 'Prd!'], 'an environment is named by'],
    [['flag', 'unkill', 'a'], 'needs a reason, as the kill did'],
    [['flag', 'apply'], 'An apply needs a reason'],
    [['flag', 'test', '--env', 'Prd!'], 'an environment is named by'],
    [['flag', 'import', '/no/such/file', '--from', 'flagd'], '--owner is needed'],
    [['flag', 'refs', '--cleanup'], 'about one flag'],
    [['flag', 'restored'], 'which backup, and why'],
    [['flag', 'server-gone', 'p1'], 'how it is known that the process has ended'],
    [['flag', 'reasons', '--required'], 'A reason is needed for this too'],
    [['flag', 'reasons', '--required', '--optional', '--reason', 'x'], 'two answers'],
    [['token', 'create'], '--scope is needed'],
    [['token', 'create', '--scope', 'all'], 'there is no such scope'],
    [['token', 'create', '--scope', 'kill', '--expires', 'soon'], 'a day such as'],
  ])('%j', async (args, said) => {
    const told = { exit: 2, out: '', err: expect.stringContaining(said) };
    expect(await ask(...args)).toMatchObject(told);
    // Before a store is opened, or made.
    expect(await inProcess(args, { SLIPWAY_DATABASE_URL: 'postgresql://x@127.0.0.1:1/x' })).toMatchObject(told);
  });
});
