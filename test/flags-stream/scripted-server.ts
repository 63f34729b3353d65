import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Flag, FlagSet } from '../../packages/flags/src/core/definition.ts';
import type { DeltaDocument, Document, SnapshotDocument } from '../../packages/flags/src/core/stream/wire.ts';
import { createSigner, eventFrame, snapshotDocument, type Signer } from '../../src/flags/index.ts';

export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
export const newSigner = (): Signer => createSigner([newKey()]);

/** A server that says what a test wants it to say, also what ours never would. */
export interface Scripted {
  readonly url: string;
  /** Bodies of what was posted, by path. */
  readonly posted: readonly { readonly path: string; readonly body: unknown }[];
  /** Headers of each stream that was asked for. */
  readonly streams: readonly IncomingMessage['headers'][];
  /** How often the snapshot was asked for, and answered with 304. */
  readonly polls: { whole: number; same: number };
  /** What the snapshot is, and the first event of a stream; null: 503. */
  snapshot: string | null;
  etag: string;
  /** Of `GET /flags/v1/snapshot`. */
  age: number;
  /** Answers everything with this; 0: as it should. */
  status: number;
  /** Refuses streams, to come again after so many seconds; 0: as it should. */
  refuseFor: number;
  /** What it says with that. */
  body: string;
  /** Says nothing when a stream is opened. */
  mute: boolean;
  /** Keeps answers to `GET /flags/v1/snapshot` back, as they are now. */
  hold: boolean;
  /** How many are kept back. */
  held(): number;
  release(): void;
  send(frame: Buffer | string): void;
  /** Streams that are open. */
  connected(): number;
  /** Cuts all connections. */
  cut(): void;
  stop(): Promise<void>;
}

export async function scriptedServer(port = 0): Promise<Scripted> {
  const open = new Set<ServerResponse>();
  const posted: { path: string; body: unknown }[] = [];
  const held: (() => void)[] = [];
  const streams: IncomingMessage['headers'][] = [];
  const scripted = {
    posted,
    streams,
    polls: { whole: 0, same: 0 },
    snapshot: null as string | null,
    etag: '"none"',
    age: 0,
    status: 0,
    refuseFor: 0,
    body: '',
    mute: false,
    hold: false,
  };
  const stream = (request: IncomingMessage, response: ServerResponse): void => {
    streams.push(request.headers);
    if (scripted.refuseFor > 0) return void response.writeHead(503, { 'retry-after': String(scripted.refuseFor) }).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    open.add(response);
    response.on('close', () => open.delete(response));
    if (scripted.mute) return;
    if (request.headers['last-event-id'] !== undefined) response.write(':\n\n');
    else if (scripted.snapshot !== null) response.write(eventFrame('snapshot', scripted.snapshot));
  };
  const poll = (request: IncomingMessage, response: ServerResponse): void => {
    const headers = { etag: scripted.etag, age: String(scripted.age) };
    const same = request.headers['if-none-match'] === scripted.etag;
    if (scripted.snapshot === null) return void response.writeHead(503).end();
    scripted.polls[same ? 'same' : 'whole'] += 1;
    const { snapshot } = scripted;
    const answer = (): void => void response.writeHead(same ? 304 : 200, headers).end(same ? undefined : snapshot);
    if (scripted.hold) held.push(answer);
    else answer();
  };
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://any');
    if (scripted.status !== 0) return void response.writeHead(scripted.status).end(scripted.body);
    if (pathname === '/flags/v1/stream') return stream(request, response);
    if (pathname === '/flags/v1/snapshot') return poll(request, response);
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      posted.push({ path: pathname, body: JSON.parse(text) });
      response.writeHead(204).end();
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(scripted, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held: () => held.length,
    release: () => held.splice(0).forEach((answer) => answer()),
    send: (frame: Buffer | string) => open.forEach((response) => response.write(frame)),
    connected: () => open.size,
    cut: () => server.closeAllConnections(),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

/** Makes the server say these flags, as signed by this one, to whoever asks from now on. */
export function says(server: Scripted, signer: Signer, set: FlagSet): void {
  const document = snapshotOf(signer, set);
  server.snapshot = signer.sign(document);
  server.etag = `"${set.seq}-${document.tag}"`;
}

export const snapshotOf = (signer: Signer, set: FlagSet): SnapshotDocument => snapshotDocument(set, signer);

export const frameOf = (signer: Signer, document: Document): Buffer =>
  eventFrame(document.kind, signer.sign(document), String(document.seq));

export function setOf(seq: number, flags: FlagSet['flags'], environment = 'dev'): FlagSet {
  return { format: 1, environment, seq, flags, segments: {} };
}

export function deltaOf(seq: number, flags: FlagSet['flags'], parts: Partial<DeltaDocument> = {}): DeltaDocument {
  const nothing = { removedFlags: [], segments: {}, removedSegments: [], acknowledge: false };
  return { kind: 'delta', format: 1, environment: 'dev', seq, previous: seq - 1, flags, ...nothing, ...parts };
}

/** On for everybody, or off. */
export function aSwitch(enabled: boolean, parts: Partial<Flag> = {}): Flag {
  return {
    type: 'ops',
    valueType: 'boolean',
    variants: { on: true, off: false },
    enabled,
    off: 'off',
    rules: [],
    default: { variant: 'on' },
    prerequisites: [],
    salt: 'salt',
    hash: 1,
    stale: null,
    about: { name: '', description: '', owner: 'shop', tags: [], createdAt: '2026-11-30T00:00:00.000Z', expiresAt: null },
    ...parts,
  };
}
