import type { CommandSpec } from '../spec.ts';

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
    ],
    exits: [
      [21, 'the store cannot be reached'],
      [25, 'somebody else listens there'],
    ],
    json: 'nothing beyond its log, which is always JSON lines',
    load: async () => (await import('../serve.ts')).run,
  },
];
