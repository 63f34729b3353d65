import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type FlagsClient, type NodeClientOptions } from '../../packages/flags/src/node.ts';
import { createSigner, eventFrame, type Signer } from '../../src/flags/index.ts';
import { eventually } from '../store/support.ts';
import { aSwitch, deltaOf, frameOf, newKey, newSigner, says, scriptedServer, setOf, snapshotOf, type Scripted } from './scripted-server.ts';

let server: Scripted;
let signer: Signer;
let clients: FlagsClient[];
let said: string[];
beforeEach(async () => {
  server = await scriptedServer();
  signer = newSigner();
  clients = [];
  said = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.stop();
});

function connect(options: Partial<NodeClientOptions> = {}): FlagsClient {
  const log = (level: string, message: string): void => void said.push(`${level}: ${message}`);
  const client = createClient({ url: server.url, token: 'slp_a_b', log, initTimeoutMs: 20_000, ...options });
  clients.push(client);
  return client;
}
const isOn = (client: FlagsClient): boolean => client.boolean('kill-me', {}, false);

describe('a client', () => {
  it('evaluates what the server says, and what it says next', async () => {
    says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
    const client = connect({ environment: 'dev', keys: [signer.key] });
    expect(client.booleanDetails('kill-me', {}, false)).toMatchObject({ value: false, errorCode: 'PROVIDER_NOT_READY' });
    expect(await client.ready).toMatchObject({ source: 'server', environment: 'dev', seq: 3, problem: null });
    expect(isOn(client)).toBe(true);
    const held = client.snapshot();
    const changes: unknown[] = [];
    client.on('change', (change) => changes.push(change));
    server.send(frameOf(signer, deltaOf(4, { 'kill-me': aSwitch(false) })));
    await eventually('the change', () => changes.length > 0);
    expect(changes).toEqual([{ environment: 'dev', seq: 4, flags: ['kill-me'] }]);
    expect(client.booleanDetails('kill-me', {}, true)).toMatchObject({ value: false, reason: 'DISABLED' });
    expect([held.seq, held.boolean('kill-me', {}, false)]).toEqual([3, true]);
    expect(client.status()).toMatchObject({ state: 'READY', staleForMs: 0, trust: 'pinned', problem: null });
  });

  it('says what it applied when it is asked to, in a delta or by itself', async () => {
    says(server, signer, setOf(3, {}));
    await connect().ready;
    server.send(frameOf(signer, deltaOf(4, {}, { acknowledge: true })));
    await eventually('the first', () => server.posted.length === 1);
    server.send(frameOf(signer, deltaOf(5, {})));
    server.send(eventFrame('acknowledge', '{"seq":5}'));
    await eventually('the second', () => server.posted.length === 2);
    const client = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(server.posted).toEqual([4, 5].map((seq) => ({ path: '/flags/v1/acknowledge', body: { client, seq } })));
  });

  it('comes back with what it has, and asks for the whole after a gap', async () => {
    says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
    const client = connect();
    await client.ready;
    server.cut();
    await eventually('a second stream', () => server.streams.length === 2);
    expect(server.streams.map((headers) => headers['last-event-id'])).toEqual([undefined, `3-${signer.tag}`]);
    says(server, signer, setOf(7, { 'kill-me': aSwitch(false) }));
    server.send(frameOf(signer, deltaOf(7, {})));
    await eventually('the whole', () => client.status().seq === 7);
    expect([isOn(client), server.polls]).toEqual([false, { whole: 1, same: 0 }]);
  });

  it('asks for the whole at once when it is refused a stream for long, and does not become stale', async () => {
    says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
    const client = connect();
    await client.ready;
    server.send('event: server\ndata: {"process":"p1"}\n\n');
    server.send(frameOf(signer, deltaOf(4, { 'kill-me': aSwitch(true) })));
    await eventually('both are heard', () => client.status().seq === 4);
    says(server, signer, setOf(5, { 'kill-me': aSwitch(false) }));
    server.refuseFor = 12;
    server.cut();
    await eventually('the whole', () => client.status().seq === 5);
    expect([client.status().state, server.streams.length, server.polls]).toEqual(['READY', 2, { whole: 1, same: 0 }]);
    // Whoever refused it counts it, and is told; of the process that its last stream came from nothing is said.
    await eventually('it says so', () => server.posted.length > 0);
    expect(server.posted).toEqual([{ path: '/flags/v1/acknowledge', body: { client: expect.any(String) as string, seq: 5 } }]);
  });

  it('is not up to date after a gap until nothing is missing, whatever answers were on their way', async () => {
    says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
    const client = connect({ staleAfterMs: 300, timings: { pollMs: 50 } });
    await client.ready;
    server.hold = true;
    await eventually('a poll is on its way', () => server.held() > 0);
    server.send(frameOf(signer, deltaOf(5, { 'kill-me': aSwitch(false) }, { acknowledge: true })));
    await eventually('it asks again', () => server.held() > 1);
    server.hold = false;
    server.release();
    await eventually('it is stale, for everything that is answered is older', () => client.status().state === 'STALE');
    expect([client.status().seq, isOn(client), server.posted]).toEqual([3, true, []]);
    says(server, signer, setOf(5, { 'kill-me': aSwitch(false) }));
    await eventually('it has it', () => client.status().state === 'READY');
    expect([client.status().seq, isOn(client)]).toEqual([5, false]);
    await eventually('it says so', () => server.posted.length > 0);
    expect(server.posted[0]?.body).toMatchObject({ seq: 5 });
  });

  it('whose poll was quicker than the first snapshot of its stream goes on as if nothing had been', async () => {
    server.mute = true;
    says(server, signer, setOf(4, { 'kill-me': aSwitch(true) }));
    const client = connect({ staleAfterMs: 300, timings: { pollMs: 100 } });
    await client.ready;
    server.send(frameOf(signer, snapshotOf(signer, setOf(3, {}))));
    const beat = setInterval(() => server.send(':\n\n'), 20);
    const polls = server.polls.whole + server.polls.same;
    await eventually('it asked again', () => server.polls.whole + server.polls.same > polls);
    await eventually('signs of life count', () => client.status().staleForMs === 0);
    clearInterval(beat);
    expect(client.status()).toMatchObject({ seq: 4, state: 'READY', refused: { 'rolled-back': 0 } });
  });

  it('comes back within the time that the server asks for when it stops', async () => {
    says(server, signer, setOf(1, {}));
    await connect().ready;
    server.send(eventFrame('bye', '{"reconnectWithinMs":1}'));
    server.cut();
    await eventually('it is back', () => server.streams.length === 2);
    expect(server.streams[1]?.['last-event-id']).toBe(`1-${signer.tag}`);
  });

  it('polls beside the stream: one that holds everything back does not keep it in the dark', async () => {
    server.mute = true;
    says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
    const client = connect({ timings: { pollMs: 200 } });
    expect(await client.ready).toMatchObject({ source: 'server', seq: 3 });
    await eventually('it is the same', () => server.polls.same > 0);
    says(server, signer, setOf(4, { 'kill-me': aSwitch(false) }));
    await eventually('the poll', () => client.status().seq === 4);
    expect(isOn(client)).toBe(false);
  });
});

describe('what is refused is counted, and changes nothing', () => {
  const begin = async (options: Partial<NodeClientOptions> = {}): Promise<FlagsClient> => {
    says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
    const client = connect({ keys: [signer.key], ...options });
    await client.ready;
    return client;
  };
  const off = { 'kill-me': aSwitch(false) };
  const forged = (): Buffer => {
    const envelope = JSON.parse(signer.sign(deltaOf(4, {}))) as { payload: string };
    return eventFrame('delta', JSON.stringify({ ...envelope, payload: JSON.stringify(deltaOf(4, off)) }));
  };
  it.each([
    ['forged', forged],
    ['unknown-key', () => frameOf(newSigner(), deltaOf(4, off))],
    ['foreign-environment', () => frameOf(signer, deltaOf(4, off, { environment: 'production' }))],
    ['malformed', () => eventFrame('delta', signer.sign({ ...deltaOf(4, off), format: 2 as 1 }))],
    ['malformed', () => eventFrame('delta', 'not even JSON')],
  ] as const)('%s', async (why, frame) => {
    const client = await begin();
    server.send(frame());
    await eventually('the refusal', () => client.status().refused[why] === 1);
    expect([isOn(client), client.status().seq]).toEqual([true, 3]);
    expect(client.status().problem).not.toBeNull();
    // It goes on with whatever is right.
    server.send(frameOf(signer, deltaOf(4, off)));
    await eventually('what is right', () => client.status().seq === 4);
    expect(isOn(client)).toBe(false);
  });

  it('a known change does not make up for what was refused', async () => {
    const client = await begin({ staleAfterMs: 300 });
    server.send(frameOf(newSigner(), deltaOf(4, off)));
    await eventually('the refusal', () => client.status().refused['unknown-key'] === 1);
    server.send(frameOf(signer, deltaOf(3, {}, { acknowledge: true })));
    await eventually('it is stale', () => client.status().state === 'STALE');
    expect(server.posted).toEqual([]);
  });

  it('a server whose flags are refused does not count as heard, however often it says that all is well', async () => {
    const client = await begin({ staleAfterMs: 300 });
    server.send(frameOf(newSigner(), deltaOf(4, off)));
    const beat = setInterval(() => server.send(':\n\n'), 20);
    await eventually('it is stale', () => client.status().state === 'STALE');
    server.send(frameOf(signer, deltaOf(4, off)));
    await eventually('it is not any more', () => client.status().state === 'READY');
    expect(client.status()).toMatchObject({ seq: 4, problem: null });
    clearInterval(beat);
  });

  it('a key is trusted on first use where none is pinned, then no other but those it names', async () => {
    const [first, next] = [newKey(), newKey()];
    signer = createSigner([first, next]);
    const client = await begin({ keys: [] });
    expect(client.status()).toMatchObject({ trust: 'first-use', keys: signer.keys });
    server.send(frameOf(newSigner(), deltaOf(4, off)));
    await eventually('the refusal', () => client.status().refused['unknown-key'] === 1);
    server.send(frameOf(createSigner([next]), deltaOf(4, off)));
    await eventually('its successor', () => client.status().seq === 4);
  });

  it('a pinned key is the only one: what it names does not count', async () => {
    const [first, next] = [newKey(), newKey()];
    signer = createSigner([first, next]);
    const client = await begin();
    server.send(frameOf(createSigner([next]), deltaOf(4, off)));
    await eventually('the refusal', () => client.status().refused['unknown-key'] === 1);
    expect(client.status().seq).toBe(3);
  });
});

describe('silence', () => {
  it('makes it stale, which flags may mind, and a word ends it', async () => {
    server.mute = false;
    const minding = aSwitch(true, { stale: { afterMs: 200 } });
    says(server, signer, setOf(1, { 'kill-me': minding, other: aSwitch(true) }));
    const client = connect({ staleAfterMs: 200 });
    await client.ready;
    // Looked at in the moment in which it is so: a word counts for no longer than the next silence begins.
    const states: (readonly [state: string, minding: boolean])[] = [];
    client.on('state', ({ state }) => states.push([state, isOn(client)]));
    await eventually('the safe variant', () => client.booleanDetails('kill-me', {}, true).reason === 'STALE');
    expect([isOn(client), client.boolean('other', {}, false)]).toEqual([false, true]);
    expect(client.status().staleForMs).toBeGreaterThan(200);
    server.send(':\n\n');
    await eventually('all is well', () => states.length > 1);
    expect(states.slice(0, 2)).toEqual([
      ['STALE', false],
      ['READY', true],
    ]);
  });

  it('of the store behind the server counts, although the server speaks', async () => {
    says(server, signer, setOf(1, {}));
    const client = connect({ staleAfterMs: 300 });
    await client.ready;
    const away = setInterval(() => server.send(eventFrame('away', '{"sinceMs":9000}')), 20);
    await eventually('it is stale', () => client.status().state === 'STALE');
    expect(client.status().problem).toContain('store');
    expect(server.streams).toHaveLength(1);
    clearInterval(away);
  });

  it('as old as the server says by Age', async () => {
    server.mute = true;
    server.age = 100;
    says(server, signer, setOf(1, {}));
    const client = connect({ timings: { pollMs: 100 } });
    expect(await client.ready).toMatchObject({ source: 'server' });
    expect(client.status()).toMatchObject({ state: 'STALE' });
    expect(client.status().staleForMs).toBeGreaterThanOrEqual(100_000);
  });
});

describe('a client that has to begin alone', () => {
  it('is ready in time with the defaults of the code', async () => {
    const client = connect({ initTimeoutMs: 50 });
    expect(await client.ready).toMatchObject({ source: 'defaults', environment: null, seq: null });
    expect([client.boolean('kill-me', {}, true), client.status().state]).toEqual([true, 'ERROR']);
    expect(said.some((line) => line.startsWith('warn: begins with defaults'))).toBe(true);
    says(server, signer, setOf(3, { 'kill-me': aSwitch(false) }));
    await eventually('it comes', () => client.status().source === 'server');
    expect(client.boolean('kill-me', {}, true)).toBe(false);
  });

  it('does not wait for a server that refuses its token', async () => {
    server.status = 401;
    const client = connect({ initTimeoutMs: 2 ** 30 });
    expect(await client.ready).toMatchObject({ source: 'defaults', problem: expect.stringContaining('(401)') as unknown });
    expect(client.status().state).toBe('ERROR');
  });

  it('evaluates what was packaged from its first moment, and minds that nobody knows how old it is', async () => {
    const bootstrap = setOf(0, { 'kill-me': aSwitch(true), minding: aSwitch(true, { stale: { afterMs: 1e9 } }) });
    const client = connect({ initTimeoutMs: 50, bootstrap });
    expect([isOn(client), client.boolean('minding', {}, true)]).toEqual([true, false]);
    expect(await client.ready).toMatchObject({ source: 'bootstrap', environment: 'dev', seq: 0 });
    expect(client.status()).toMatchObject({ state: 'STALE', staleForMs: Number.POSITIVE_INFINITY });
  });

  it('does not begin with what was packaged for another environment', async () => {
    const client = connect({ initTimeoutMs: 50, environment: 'dev', bootstrap: setOf(0, { 'kill-me': aSwitch(true) }, 'production') });
    expect(await client.ready).toMatchObject({ source: 'defaults' });
    expect(said.join('\n')).toContain('environment production');
  });

  it.each([
    [{ url: 'nowhere' }, /no http or https address/],
    [{ token: '' }, /token is missing/],
    [{ keys: ['SHA256:abc'] }, /is no key/],
    [{ initTimeoutMs: Number.NaN }, /initTimeoutMs/],
    [{ timings: { pollMs: -1 } }, /pollMs/],
  ])('is refused at once with %j', (options, message) => {
    expect(() => createClient({ url: 'http://127.0.0.1:9', token: 'slp_a_b', ...options })).toThrow(message);
  });
});
