import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../packages/flags/src/node.ts';
import { aFlag, openBed, until, type Answer, type Bed, type CallOptions, type Served } from './bed.ts';

let bed: Bed;
let served: Served;
let token: string;

beforeAll(async () => {
  bed = await openBed();
  served = await bed.serve();
  token = await bed.token(['write', 'kill', 'client-evaluate']);
});
afterAll(async () => bed.stop());

const call = (what: string, options: CallOptions = {}): Promise<Answer> => served.call(what, { token, ...options });
const etagOf = ({ headers }: Answer): string => headers.get('etag') ?? '';
const codeOf = ({ status, json }: Answer): readonly [number, unknown] => [status, (json['error'] as { readonly code?: string })?.code];

async function make(key: string, flag = aFlag()): Promise<string> {
  const made = await call('POST /api/v1/flags', { body: { key, flag, reason: 'a test' } });
  expect([made.status, made.text]).toEqual([201, expect.stringContaining(key)]);
  return etagOf(made);
}

describe('flags', () => {
  it('are made, shown, changed, patched and taken away', async () => {
    const first = await make('release_life');
    const shown = await call('GET /api/v1/flags/release_life');
    expect([shown.status, etagOf(shown), shown.json['flag']]).toEqual([200, first, aFlag()]);
    const put = await call('PUT /api/v1/flags/release_life', { headers: { 'if-match': first }, body: { flag: aFlag({ enabled: false }) } });
    expect(put.json['flag']).toEqual(aFlag({ enabled: false }));
    const patch = { enabled: true, about: { owner: 'web' } };
    const patched = await call('PATCH /api/v1/flags/release_life', { headers: { 'if-match': etagOf(put) }, body: { flag: patch } });
    expect(patched.json['flag']).toEqual(aFlag({ about: { ...aFlag().about, owner: 'web' } }));
    const list = await call('GET /api/v1/flags');
    expect(list.json['flags']).toContainEqual(expect.objectContaining({ key: 'release_life', flag: patched.json['flag'] }));
    const gone = await call('DELETE /api/v1/flags/release_life?reason=old', { headers: { 'if-match': etagOf(patched) } });
    expect([gone.status, gone.json['flag']]).toEqual([200, null]);
    expect(codeOf(await call('GET /api/v1/flags/release_life'))).toEqual([404, 'not_found']);
  });

  it('tell who changed them, when and why', async () => {
    const first = await make('release_past');
    await call('PATCH /api/v1/flags/release_past', {
      headers: { 'if-match': first },
      body: { flag: { enabled: false }, reason: 'too early, says ann@shop.example' },
    });
    const { json } = await call('GET /api/v1/flags/release_past/history?limit=5');
    expect(json['changes']).toMatchObject([
      {
        action: 'change',
        actor: expect.stringMatching(/^test \(token [0-9a-f]{16}\)$/),
        reason: 'too early, says [e-mail]',
        writes: [{ kind: 'flag', key: 'release_past', before: { enabled: true }, after: { enabled: false } }],
      },
      { action: 'create', reason: 'a test' },
    ]);
  });

  it('are not said to be as asked to who looked at an older revision, also where nothing would change', async () => {
    const first = await make('release_same');
    const put = (revision: string, enabled: boolean): Promise<Answer> =>
      call('PUT /api/v1/flags/release_same', { headers: { 'if-match': revision }, body: { flag: aFlag({ enabled }) } });
    const second = await put(first, false);
    expect(codeOf(await put(first, false))).toEqual([412, 'flag_conflict']);
    const same = await put(etagOf(second), false);
    expect([same.status, etagOf(same)]).toEqual([200, etagOf(second)]);
  });

  it('lose nobody’s change: who was slower is refused and told by whom', async () => {
    const first = await make('release_race');
    const change = (owner: string): Promise<Answer> =>
      call('PATCH /api/v1/flags/release_race', { headers: { 'if-match': first }, body: { flag: { about: { owner } } } });
    const both = await Promise.all([change('ann'), change('bob')]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 412]));
    const refused = both.find(({ status }) => status === 412);
    expect(refused?.json['error']).toMatchObject({ code: 'flag_conflict', message: expect.stringContaining('test (token ') });
    expect(codeOf(await call('PATCH /api/v1/flags/release_race', { body: { flag: {} } }))).toEqual([428, 'revision_missing']);
    expect(codeOf(await call('PATCH /api/v1/flags/release_race', { headers: { 'if-match': '12' }, body: { flag: {} } }))).toEqual([
      400,
      'request_invalid',
    ]);
  });

  it('are made once: of what is there it is said by whom, killed or not, and no precondition has failed', async () => {
    await make('release_there');
    const again = (): Promise<Answer> => call('POST /api/v1/flags', { body: { key: 'release_there', flag: aFlag() } });
    const told = expect.objectContaining({ code: 'flag_exists', message: expect.stringContaining('test (token ') });
    const there = await again();
    expect([there.status, there.json['error']]).toEqual([409, told]);
    await call('POST /api/v1/flags/release_there/kill', { body: { reason: 'it burns' } });
    const killed = await again();
    expect([killed.status, killed.json['error']]).toEqual([409, told]);
    const both = await Promise.all(
      ['release_first', 'release_first'].map((key) => call('POST /api/v1/flags', { body: { key, flag: aFlag() } })),
    );
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 409]));
  });

  it('are killed without a revision, evaluated as off at once, and turned on again', async () => {
    const first = await make('release_kill');
    await call('PATCH /api/v1/flags/release_kill', { headers: { 'if-match': first }, body: { flag: { about: { owner: 'web' } } } });
    const killer = await bed.token(['kill']);
    const killed = await call('POST /api/v1/flags/release_kill/kill', { token: killer, body: { reason: 'orders are lost' } });
    expect(killed.json['flag']).toMatchObject({ enabled: false, about: { owner: 'web' } });
    expect(killed.json['dependants']).toEqual([]);
    const evaluated = await call('POST /ofrep/v1/evaluate/flags/release_kill', { body: { context: {} } });
    expect(evaluated.json).toEqual({ key: 'release_kill', reason: 'DISABLED', variant: 'off', value: false });
    const back = await call('POST /api/v1/flags/release_kill/undo', { token: killer, body: { reason: 'repaired' } });
    expect(back.json['flag']).toMatchObject({ enabled: true, about: { owner: 'web' } });
    expect(codeOf(await call('POST /api/v1/flags/release_kill/undo', { token: killer, body: { reason: 'again' } }))).toEqual([
      409,
      'not_possible_now',
    ]);
    expect(codeOf(await call('POST /api/v1/flags/release_kill/kill', { token: killer, body: { reason: '' } }))).toEqual([
      400,
      'request_invalid',
    ]);
    expect(codeOf(await call('POST /api/v1/flags/nothing/kill', { token: killer, body: { reason: 'x' } }))).toEqual([404, 'not_found']);
  });

  it('that are killed say who has heard of it, to whoever may kill', async () => {
    await make('release_heard');
    const killer = await bed.token(['kill']);
    const told = (): Promise<Answer> => call('GET /api/v1/flags/release_heard/kill', { token: killer });
    expect((await told()).json).toEqual({ key: 'release_heard', kill: null, delivery: null });
    const client = createClient({
      url: served.base,
      token: await bed.token(['server-evaluate']),
      initTimeoutMs: 20_000,
      log: () => undefined,
    });
    await client.ready;
    await call('POST /api/v1/flags/release_heard/kill', { token: killer, body: { reason: 'orders are lost' } });
    await until(async () => ((await told()).json['delivery'] as { readonly complete: boolean } | null)?.complete === true);
    expect((await told()).json).toMatchObject({
      kill: { reason: 'orders are lost', wasOn: true },
      delivery: { servers: 1, heard: 1, connected: 1, acknowledged: 1, stale: [], complete: true },
    });
    await client.close();
    expect(codeOf(await call('GET /api/v1/flags/nothing/kill', { token: killer }))).toEqual([404, 'not_found']);
  });

  it('that somebody turned off on purpose are not turned on by taking back a kill', async () => {
    const first = await make('release_asleep');
    await call('PATCH /api/v1/flags/release_asleep', { headers: { 'if-match': first }, body: { flag: { enabled: false } } });
    const killer = await bed.token(['kill']);
    const undo = () => call('POST /api/v1/flags/release_asleep/undo', { token: killer, body: { reason: 'x' } });
    expect(codeOf(await undo())).toEqual([409, 'not_possible_now']);
    await call('POST /api/v1/flags/release_asleep/kill', { token: killer, body: { reason: 'x' } });
    const undone = await undo();
    expect([undone.status, JSON.parse(undone.text)]).toMatchObject([200, { flag: { enabled: false } }]);
  });

  it('that would be wrong, or break another, are refused with the place', async () => {
    const rule = { name: 'a', when: { segment: 'nobody' }, serve: { variant: 'on' } };
    const wrong = [
      [{ flag: aFlag({ default: { variant: 'none' } }) }, 422, 'flags.release_wrong'],
      [{ flag: aFlag({ rules: [rule] }) }, 422, 'nobody'],
      [{ flag: { ...aFlag(), color: 'red' } }, 400, 'color'],
      [{ flag: aFlag({ rules: [{ ...rule, when: { attribute: 'a', operator: 'lt', value: '5' } as never }] }) }, 400, 'rules'],
      [{ flag: aFlag({ rules: [{ ...rule, when: { attribute: 'a', eq: 'b' } as never }] }) }, 400, 'must be { attribute, operator, value'],
      [{ flag: JSON.parse('{"__proto__": {"enabled": true}}') as unknown }, 400, 'type'],
    ] as const;
    for (const [body, status, place] of wrong) {
      const { status: got, text } = await call('POST /api/v1/flags', { body: { key: 'release_wrong', ...body } });
      expect([got, text], place).toEqual([status, expect.stringContaining(place)]);
    }
    for (const key of ['__proto__', 'constructor', 'a/b', 'with space', 'x'.repeat(101)])
      expect(codeOf(await call('POST /api/v1/flags', { body: { key, flag: aFlag() } })), key).toEqual([422, 'flag_invalid']);
    await make('release_base');
    await make('release_upon', aFlag({ prerequisites: [{ flag: 'release_base', variants: ['on'] }] }));
    const { status, text } = await call('DELETE /api/v1/flags/release_base', { headers: { 'if-match': '*' } });
    expect([status, text]).toEqual([422, expect.stringContaining('release_upon')]);
  });
});

describe('segments', () => {
  it('are made, used by flags, changed, and not taken away while they are used', async () => {
    const when = { attribute: 'plan', operator: 'eq', value: 'beta' };
    const made = await call('PUT /api/v1/segments/testers', { body: { segment: { description: 'beta', when } } });
    expect(made.status).toBe(201);
    const etag = await make(
      'release_seg',
      aFlag({ rules: [{ name: 'testers', when: { segment: 'testers' }, serve: { variant: 'on' } }], default: { variant: 'off' } }),
    );
    const evaluate = async (plan: string): Promise<unknown> =>
      (await call('POST /ofrep/v1/evaluate/flags/release_seg', { body: { context: { plan } } })).json['value'];
    expect([await evaluate('beta'), await evaluate('pro')]).toEqual([true, false]);
    expect(codeOf(await call('PUT /api/v1/segments/testers', { body: { segment: { description: '', when } } }))).toEqual([
      428,
      'revision_missing',
    ]);
    const changed = await call('PUT /api/v1/segments/testers', {
      headers: { 'if-match': etagOf(made) },
      body: { segment: { description: '', when: { ...when, value: 'pro' } } },
    });
    expect([changed.status, await evaluate('beta'), await evaluate('pro')]).toEqual([200, false, true]);
    const remove = (): Promise<Answer> => call('DELETE /api/v1/segments/testers', { headers: { 'if-match': etagOf(changed) } });
    expect(codeOf(await remove())).toEqual([422, 'flag_invalid']);
    await call('DELETE /api/v1/flags/release_seg', { headers: { 'if-match': etag } });
    expect((await remove()).status).toBe(200);
    expect((await call('GET /api/v1/segments')).json['segments']).toEqual([]);
  });
});

describe('tokens', () => {
  it('are made with no more than the one that makes them may do, shown once, and revoked', async () => {
    const writer = await bed.token(['write']);
    const asked = { token: writer, body: { scopes: ['client-evaluate'], description: 'shop' } };
    const made = await call('POST /api/v1/tokens', asked);
    expect([made.status, made.json['token']]).toEqual([201, expect.stringMatching(/^slp_[0-9a-f]{16}_[0-9a-f]{64}$/)]);
    const text = made.json['token'] as string;
    expect(codeOf(await call('POST /api/v1/tokens', { token: writer, body: { scopes: ['kill'] } }))).toEqual([403, 'token_scope']);
    const list = await call('GET /api/v1/tokens', { token: writer });
    expect(list.text).toContain(made.json['id']);
    expect(list.text).not.toContain(text.split('_')[2]);
    const evaluate = (): Promise<Answer> => call('POST /ofrep/v1/evaluate/flags', { token: text, body: { context: {} } });
    expect((await evaluate()).status).toBe(200);
    expect((await call(`DELETE /api/v1/tokens/${String(made.json['id'])}`, { token: writer })).status).toBe(204);
    await until(async () => (await evaluate()).status === 401);
    expect(codeOf(await call(`DELETE /api/v1/tokens/${String(made.json['id'])}`, { token: writer }))).toEqual([404, 'not_found']);
  });

  it('that end make none that last longer, and those that may not kill end none that may', async () => {
    const writer = await bed.token(['write']);
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    const made = await call('POST /api/v1/tokens', { token: writer, body: { scopes: ['write'], expiresAt: inAnHour } });
    const ending = String(made.json['token']);
    const make = (expiresAt: string | null): Promise<Answer> =>
      call('POST /api/v1/tokens', { token: ending, body: { scopes: ['client-evaluate'], expiresAt } });
    expect(codeOf(await make(null))).toEqual([403, 'token_scope']);
    expect(codeOf(await make(new Date(Date.now() + 7_200_000).toISOString()))).toEqual([403, 'token_scope']);
    expect((await make(inAnHour)).status).toBe(201);
    const killer = await bed.token(['kill', 'write']);
    const [, id = ''] = killer.split('_');
    expect(codeOf(await call(`DELETE /api/v1/tokens/${id}`, { token: writer }))).toEqual([403, 'token_scope']);
    expect((await call('GET /api/v1/flags', { token: killer })).status).toBe(200);
    expect((await call(`DELETE /api/v1/tokens/${id}`, { token: killer })).status).toBe(204);
  });

  it('see the metrics of their environment, and of no other', async () => {
    await bed.write([['seen_elsewhere', aFlag()]]);
    const [here, there] = [await bed.token(['server-evaluate']), await bed.token(['server-evaluate'], 'prd')];
    await until(async () => (await call('GET /metrics', { token: here })).text.includes('slipway_flags_seq{environment="dev"'));
    const { text } = await call('GET /metrics', { token: there });
    expect(text).toContain('slipway_http_requests_total');
    expect(text).not.toContain('environment="dev"');
  });

  it('of one environment neither see nor end those of another', async () => {
    const elsewhere = await bed.token(['write', 'server-evaluate'], 'prd');
    const [, id = ''] = elsewhere.split('_');
    expect(codeOf(await call(`DELETE /api/v1/tokens/${id}`))).toEqual([404, 'not_found']);
    expect((await call('GET /api/v1/tokens')).text).not.toContain(id);
    expect((await call('GET /api/v1/flags', { token: elsewhere })).json).toEqual({ environment: 'prd', seq: 0, flags: [] });
  });

  it('may do what their scopes say, and nothing else', async () => {
    const body = { context: {} };
    const doors = {
      'POST /ofrep/v1/evaluate/flags': ['client-evaluate', 'server-evaluate'],
      'GET /api/v1/flags': ['write', 'kill'],
      'GET /api/v1/tokens': ['write'],
      'GET /api/v1/segments': ['write'],
      'PUT /api/v1/flags/x': ['write'],
      'POST /api/v1/flags/x/kill': ['write', 'kill'],
      'GET /metrics': ['server-evaluate'],
    };
    for (const scope of ['client-evaluate', 'server-evaluate', 'write', 'kill'] as const) {
      const own = await bed.token([scope]);
      for (const [door, scopes] of Object.entries(doors)) {
        const { status } = await call(door, { token: own, ...(door.startsWith('GET') ? {} : { body }) });
        expect(status === 403, `${scope} at ${door}: ${status}`).toBe(!scopes.includes(scope));
      }
    }
  });
});
