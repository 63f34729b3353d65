import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import { eventFrame, type Signer } from '../../src/flags/index.ts';
import { eventually } from '../store/support.ts';
import { aSwitch, deltaOf, frameOf, newSigner, says, scriptedServer, setOf, snapshotOf, type Scripted } from './scripted-server.ts';

let server: Scripted;
let signer: Signer;
let client: FlagsClient;
const states: string[] = [];
const off = { 'kill-me': aSwitch(false) };
beforeEach(async () => {
  server = await scriptedServer();
  signer = newSigner();
  says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
  client = createClient({ url: server.url, token: 'slp_a_b', keys: [signer.key], initTimeoutMs: 20_000, log: () => undefined });
  await client.ready;
  states.length = 0;
  client.on('state', ({ state }) => states.push(state));
});
afterEach(async () => {
  await client.close();
  await server.stop();
});
const isOn = (): boolean => client.boolean('kill-me', {}, false);
const pushOlder = (): void => server.send(frameOf(signer, snapshotOf(signer, setOf(1, { 'kill-me': aSwitch(true) }))));

describe('a server that shows older flags', () => {
  it('makes the client stale at once, and nothing it says counts until its flags are newer', async () => {
    says(server, signer, setOf(1, { 'kill-me': aSwitch(true) }));
    pushOlder();
    await eventually('it is stale, although something was heard a moment ago', () => client.status().state === 'STALE');
    expect(client.status()).toMatchObject({ refused: { 'rolled-back': 1 }, problem: expect.stringContaining('older') as unknown });
    expect(client.status().staleForMs).toBeLessThan(45_000);
    // A kill in the history that began with the backup: its number is known here, and means something else.
    says(server, signer, setOf(2, off));
    server.send(frameOf(signer, deltaOf(2, off, { acknowledge: true })));
    const beat = setInterval(() => server.send(':\n\n'), 20);
    server.send(eventFrame('acknowledge', '{"seq":2}'));
    await eventually('it asked again', () => client.status().refused['rolled-back'] > 1);
    expect([client.status().state, isOn(), client.status().seq, server.posted]).toEqual(['STALE', true, 3, []]);
    // The numbers fit again, but not what they mean: the change is not applied to what is here, the whole is.
    says(server, signer, setOf(4, { ...off, 'made-since': aSwitch(true) }));
    server.send(frameOf(signer, deltaOf(4, {}, { acknowledge: true })));
    await eventually('it follows', () => client.status().seq === 4);
    expect([isOn(), client.boolean('made-since', {}, false)]).toEqual([false, true]);
    await eventually('it says so', () => server.posted.length === 1);
    expect(server.posted).toMatchObject([{ body: { seq: 4 } }]);
    expect(states).toEqual(['STALE', 'READY']);
    clearInterval(beat);
  });

  it('makes it stale also when asking again is not answered', async () => {
    server.snapshot = null;
    pushOlder();
    await eventually('it is stale', () => client.status().state === 'STALE');
    expect([isOn(), client.status().seq, client.status().refused['rolled-back']]).toEqual([true, 3, 0]);
  });

  it('of which the client has the newest after all leaves it ready', async () => {
    pushOlder();
    await eventually('it asked', () => server.polls.whole === 1);
    server.send(frameOf(signer, deltaOf(4, off, { acknowledge: true })));
    await eventually('it goes on', () => server.posted.length === 1);
    expect([isOn(), client.status().state, states]).toEqual([false, 'READY', []]);
  });
});
