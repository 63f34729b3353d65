/**
 * The crowd of `bench/flags-fanout.ts`: many clients in a process beside the server, so that its CPU is not the server's.
 * Arguments: port, token, number of clients. Says when all have flags; answers each {@link Question}.
 */
import { createAcknowledgements, type Ways } from './acknowledgements.ts';
import { startClient, type Shared } from './client.ts';

/** Asks who has a change by now; `ways` says how acknowledgements travel from now on. */
export interface Question {
  readonly seq: number;
  readonly ways: Ways;
}

export interface Answer {
  /** When each client had the change, in milliseconds since 1970. */
  readonly arrivals: readonly number[];
  /** Connections tried since the start, and how many of them the server refused. */
  readonly tries: number;
  readonly refused: number;
}

const [port = '', token = '', clients = ''] = process.argv.slice(2);
const CONNECTING = 64;

const arrivals = new Map<number, number[]>();
const acknowledgements = createAcknowledgements(Number(port), token);
let tries = 0;
let refused = 0;
const shared: Shared = {
  port: Number(port),
  token,
  took: (seq, at) => {
    let all = arrivals.get(seq);
    if (all === undefined) arrivals.set(seq, (all = []));
    all.push(at);
  },
  acknowledge: acknowledgements.send,
  tried: () => void (tries += 1),
  refused: () => void (refused += 1),
};

process.once('disconnect', () => process.exit(0));
process.on('message', ({ seq, ways }: Question) => {
  acknowledgements.use(ways);
  process.send?.({ arrivals: arrivals.get(seq) ?? [], tries, refused } satisfies Answer);
});

const names = Array.from({ length: Number(clients) }, (_, index) => `client-${index}`);
const takers = Array.from({ length: CONNECTING }, async () => {
  for (let name = names.pop(); name !== undefined; name = names.pop()) await startClient(name, shared).ready;
});
await Promise.all(takers);
process.send?.('ready');
