import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeClient } from '../../packages/flags/src/client/client.ts';
import type { ClientOptions } from '../../packages/flags/src/client/options.ts';
import { systemPlatform } from '../../packages/flags/src/client/platform.ts';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import type { Signer } from '../../src/flags/index.ts';
import { eventually } from '../store/support.ts';
import { aSwitch, deltaOf, frameOf, newSigner, says, scriptedServer, setOf, type Scripted } from './scripted-server.ts';

let server: Scripted;
let signer: Signer;
let client: FlagsClient;
let said: string[];
beforeEach(async () => {
  server = await scriptedServer();
  signer = newSigner();
  said = [];
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

const optionsOf = (options: Partial<ClientOptions>): ClientOptions => {
  const log = (level: string, message: string): void => void said.push(`${level}: ${message}`);
  return { url: server.url, token: 'slp_a_b', log, initTimeoutMs: 20_000, ...options };
};

function connect(options: Partial<ClientOptions> = {}): FlagsClient {
  client = createClient(optionsOf(options));
  return client;
}

/** The time for its start is over as soon as it knows of a problem: how busy this machine is does not decide what it knows by then. */
async function connectInVain(options: Partial<ClientOptions> = {}): Promise<void> {
  let isOver = (): void => undefined;
  const after: typeof systemPlatform.after = (ms, call, holds) => {
    // Only the start holds the process.
    if (holds === undefined) return systemPlatform.after(ms, call);
    isOver = call;
    return () => undefined;
  };
  client = makeClient(optionsOf(options), { platform: { ...systemPlatform, after }, lastGood: null });
  await eventually('it knows of a problem', () => client.status().problem !== null);
  isOver();
}

/** Whoever reads the log, or asks for the status, is told the same. */
async function expectToldAtStart(...words: readonly string[]): Promise<void> {
  const { problem } = await client.ready;
  for (const word of words) expect(problem).toContain(word);
  expect(said).toContain(`warn: begins with defaults: ${problem}`);
}

describe('a client says what is wrong and what to do', () => {
  const error = (code: string, message: string, hint = 'Do it.'): string => JSON.stringify({ error: { code, message, hint } });
  it.each([
    [401, '', ['(401)', 'mistyped, revoked or expired', '`slipway token create --scope server-evaluate --env prd`']],
    [403, '<html>no</html>', ['(403)', 'needs the scope server-evaluate', 'slipway token create']],
    [403, error('token_scope', 'The token a may not do this: it has write'), ['needs the scope server-evaluate', 'it has write.']],
    [403, error('token_environment', 'The token a is of dev, and the client wants prd'), ['is of dev, and the client wants prd. Do it.']],
  ])('when it is answered %s', async (status, body, words) => {
    Object.assign(server, { status, body });
    connect({ environment: 'prd' });
    await expectToldAtStart(...words);
  });

  it.each([
    [404, '', 'must be the address of `slipway serve`'],
    [
      503,
      error('flags_stale', 'The store was away for too long'),
      'now (503): The store was away for too long. It is asked again by itself',
    ],
    [502, 'bad gateway', 'answered 502 and no flags: look at `slipway serve` there, and at what stands before it'],
  ])('when it is answered %s', async (status, body, words) => {
    Object.assign(server, { status, body });
    await connectInVain();
    await expectToldAtStart(words);
  });

  it('when nobody can be reached', async () => {
    await connectInVain({ url: 'http://127.0.0.1:1' });
    await expectToldAtStart('http://127.0.0.1:1 cannot be reached (', 'check `url`', 'tried again by itself');
  });

  it('when the server, of an older build, sends flags of another environment: it goes, and comes back no sooner than it polls', async () => {
    says(server, signer, setOf(3, {}, 'dev'));
    connect({ environment: 'prd' });
    await expectToldAtStart('flags of dev, and this client wants prd: give it a token of prd');
    expect(client.status().state).toBe('ERROR');
    await eventually('the stream is closed', () => server.connected() === 0);
    expect(server.streams).toHaveLength(1);
  });

  it('when a change was missed and the whole does not bring it', async () => {
    says(server, signer, setOf(3, {}));
    await connect().ready;
    server.send(frameOf(signer, deltaOf(7, {})));
    await eventually('it is said', () => client.status().problem !== null);
    expect(client.status().problem).toContain('changes after 3 are missing');
  });

  it.each([
    [
      'a key is not trusted',
      () => newSigner(),
      ['error: refused: the server sent flags signed by a key that is not trusted, ed25519:', 'add it to `keys`'],
    ],
    [
      'a signature is wrong',
      () => ({ ...signer, sign: forge }),
      ['error: refused: the server sent flags with a signature that is wrong', 'use TLS'],
    ],
  ])('when %s', async (_what, by, words) => {
    says(server, signer, setOf(3, { 'kill-me': aSwitch(true) }));
    await connect({ keys: [signer.key], staleAfterMs: 1_000 }).ready;
    server.send(frameOf(by(), deltaOf(4, {})));
    await eventually('it is said', () => client.status().problem !== null);
    for (const word of words) expect(said.join('\n')).toContain(word);
    await eventually('it is said that flags may be old', () => said.some((line) => line.startsWith('warn: STALE: the server sent flags')));
  });

  const forge: Signer['sign'] = (document) => {
    const envelope = JSON.parse(signer.sign(document)) as object;
    return JSON.stringify({ ...envelope, payload: JSON.stringify({ ...document, seq: 5 }) });
  };
});
