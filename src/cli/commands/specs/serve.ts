import type { CommandSpec } from '../spec.ts';
import { STORE } from './flags.ts';

/** The server. */
export const SERVE_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'serve',
    purpose: 'Serve feature flags over HTTP (OFREP, a stream, an API to change them) until told to stop.',
    options: [
      { flags: '--host <address>', what: 'address to listen on (default: 127.0.0.1; 0.0.0.0: all of this machine)' },
      { flags: '--port <number>', what: 'port to listen on (default: 8600; 0: one that is free)' },
      {
        flags: '--origin <origin>',
        what: 'web pages of this origin may ask by OFREP, such as https://shop.example; may be repeated; *: of any (default: none)',
        many: true,
      },
      {
        flags: '--trust-proxy <network>',
        what: 'address or network of a proxy before this server, whose X-Forwarded-For says who asks, such as 10.0.0.7 or 10.0.0.0/8; may be repeated (default: none)',
        many: true,
      },
      {
        flags: '--stale-limit <time>',
        what: 'without the store for so long, answer no more: 503 (default: 1h; at least 10s). A kill that this process did not hear of is complete only then',
      },
      { flags: '--rate <number>', what: 'requests per second of one token in this process; twice as many at once (default: 1000)' },
      {
        flags: '--most-streams <number>',
        what: 'event streams of this process, some 25 KB each; at most half of them for client-evaluate tokens, which everybody can read (default: 20000)',
      },
    ],
    notes:
      'Any number may run against one SLIPWAY_DATABASE_URL. While the store is away it answers from memory, and says so in /health/ready. TLS is for the proxy before it. Tokens are made with `slipway token create`. Log: JSON lines on stdout, level by SLIPWAY_LOG.',
    examples: [
      { line: 'slipway serve', what: 'for this machine' },
      { line: 'slipway serve --host 0.0.0.0 --port 8600 --origin https://shop.example', what: 'for others, and for the pages of a shop' },
      { line: 'slipway serve --trust-proxy 127.0.0.1', what: 'behind a proxy on this machine, which says who asks' },
    ],
    exits: [
      [21, 'the store cannot be reached'],
      [25, 'somebody else listens there'],
    ],
    json: 'nothing beyond its log, which is always JSON lines',
    load: async () => (await import('../serve.ts')).run,
  },
  {
    path: 'flag servers',
    purpose: 'List the processes of `slipway serve` that may answer: where they run, their clients, and since when one is silent.',
    notes:
      'A kill is complete only when none of these can answer without it. One that is silent may go on answering what it knew until the time named; `slipway flag server-gone` gives it up earlier. It warns where processes sign with keys that others do not have. Clients are those of @slipway/flags, of all environments, as it said last.',
    examples: [
      { line: 'slipway flag servers', what: 'all' },
      { line: 'slipway flag servers --json', what: 'for a program' },
    ],
    exits: [STORE],
    json: '{ servers: [{ process, host, pid, clients, keys: [key] | null, heardAt, silent: { since, until } | null, ended: { at, until } | null }] }; flags are signed with the first of "keys"',
    load: async () => (await import('../flag-servers.ts')).list,
  },
  {
    path: 'flag server-gone',
    purpose: 'Say that a silent server process has ended, because its machine is gone, so that no kill waits for it.',
    args: [{ syntax: '<server>', what: 'its id, or the beginning of it, as `slipway flag servers` shows it' }],
    options: [{ flags: '--reason <text>', what: 'how that is known; kept in the history of every environment' }],
    notes:
      'Nothing checks this: a process that runs and is only cut off goes on answering what it knew, until its --stale-limit has passed, and no kill says so any more. Where the machine is there, end the process instead. If it reaches the store again it registers and reads anew before it answers.',
    examples: [
      { line: "slipway flag server-gone 4f1c09d2 --reason 'web-3 is dead, its disk is here'", what: 'after the loss of a machine' },
      { line: "slipway flag server-gone 4f1c09d2 --reason 'the node was deleted' --json", what: 'in a script' },
    ],
    exits: [[3, 'there is no such process, or several begin like that'], [4, 'it is heard, or has ended already'], STORE],
    json: '{ server: { process, host, pid, clients, heardAt, silent, ended }, actor, reason }; as it was before',
    load: async () => (await import('../flag-servers.ts')).gone,
  },
];
