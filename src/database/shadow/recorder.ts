import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import type { DatabaseAccess } from '../ports.ts';
import { followConnection, type SentStatement } from './wire.ts';

/** A way into a database that notes what is sent through it. */
export interface Recorder {
  /** URL to give to a program in place of the database's own. */
  readonly url: string;
  /** What the server has carried out so far, in order. */
  readonly statements: readonly SentStatement[];
  /** How many more it has carried out than are kept. */
  missed(): number;
  /** Connections there were. */
  connections(): number;
  close(): Promise<void>;
}

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const DEFAULT_PORT = 5_432;
/** A program that goes on for ever must not fill the memory. */
const MOST_STATEMENTS = 200_000;

/**
 * Opens a door on 127.0.0.1 that leads to the database. Every program may go through it, whatever its driver, as it speaks PostgreSQL's own
 * protocol; nothing is changed on the way.
 * @param most how many statements are kept
 * @throws SlipwayError `not_possible_now` for a server that is reached by TLS only
 */
export async function recordStatements(access: DatabaseAccess, most = MOST_STATEMENTS): Promise<Recorder> {
  const url = new URL(access.url);
  const mode = url.searchParams.get('sslmode') ?? 'disable';
  if (!['disable', 'allow', 'prefer'].includes(mode))
    throw new SlipwayError('not_possible_now', `What is sent to a server with sslmode=${mode} cannot be recorded`, {
      hint: "Leave --server out: Slipway's own PostgreSQL does for this.",
    });
  const statements: SentStatement[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  let missed = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connectSocket(addressOf(url));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
    relay(client, upstream, (statement) => {
      if (statements.length < most) statements.push(statement);
      else missed += 1;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: throughDoor(url, (server.address() as AddressInfo).port),
    statements,
    missed: () => missed,
    connections: () => connections,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes everything on. What comes before the first message of the protocol proper (a wish for encryption, the greeting) is not looked into. */
function relay(client: Socket, upstream: Socket, onStatement: (statement: SentStatement) => void): void {
  const { sent, answered } = followConnection(onStatement);
  let greeting: Buffer | null = Buffer.alloc(0);
  client.on('data', (chunk: Buffer) => {
    if (greeting === null) {
      sent(chunk);
      upstream.write(chunk);
      return;
    }
    greeting = Buffer.concat([greeting, chunk]);
    while (greeting !== null && greeting.length >= 8 && greeting.length >= greeting.readInt32BE(0)) {
      const length = greeting.readInt32BE(0);
      const code = greeting.readInt32BE(4);
      const rest: Buffer = greeting.subarray(length);
      if (code === SSL_REQUEST || code === GSS_REQUEST) {
        // Here nothing is encrypted: it is one machine.
        client.write('N');
        greeting = rest;
        continue;
      }
      upstream.write(greeting);
      greeting = null;
      sent(rest);
    }
  });
  upstream.on('data', (chunk: Buffer) => {
    answered(chunk);
    client.write(chunk);
  });
  client.on('end', () => upstream.end());
  upstream.on('end', () => client.end());
}

function addressOf(url: URL): { readonly path: string } | { readonly host: string; readonly port: number } {
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  const given = url.searchParams.get('port') ?? url.port;
  const port = given === '' ? DEFAULT_PORT : Number(given);
  if (host.startsWith('/')) return { path: join(host, `.s.PGSQL.${port}`) };
  return { host: host === '' ? '127.0.0.1' : host, port };
}

function throughDoor(url: URL, port: number): string {
  const door = new URL(url);
  for (const key of ['host', 'port', 'sslmode', 'ssl']) door.searchParams.delete(key);
  door.hostname = '127.0.0.1';
  door.port = String(port);
  door.searchParams.set('sslmode', 'disable');
  return door.toString();
}
