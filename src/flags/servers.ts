import { SlipwayError, toIso } from '../kernel/index.ts';
import type { FlagServer, FlagTelemetry } from './ports.ts';

/**
 * Takes a person's word that a silent server process has ended, so that no kill waits for it any more.
 * @param server its id, or the beginning of it
 * @throws SlipwayError `usage` without a reason, `not_found`, `ambiguous`, `not_possible_now` for one that is heard or had ended
 */
export async function forgetServer(
  telemetry: Pick<FlagTelemetry, 'servers' | 'forget'>,
  server: string,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<FlagServer> {
  if (reason === '')
    throw new SlipwayError('usage', 'A reason is needed: how it is known that the process has ended', { hint: '--reason "..."' });
  const found = one(server, await telemetry.servers());
  const done = found.ended === null ? await telemetry.forget(found.process, { actor, reason }) : 'ended';
  if (done === 'forgotten') return found;
  const who = `The server process ${found.pid} on ${found.host}`;
  if (done === 'ended') throw new SlipwayError('not_possible_now', `${who} has ended already`, { hint: 'Nothing is left to do.' });
  throw new SlipwayError('not_possible_now', `${who} is heard: it said at ${toIso(found.heardAt)} that it serves flags`, {
    hint: 'End it there: it takes itself off the list. Only one that was silent for 10 s can be given up from here.',
  });
}

/**
 * Pairs of processes between which a client cannot go: one signs with a key that the other does not tell its clients. While keys are
 * changed as they should be, each has both.
 */
export function strangers(servers: readonly Pick<FlagServer, 'process' | 'host' | 'pid' | 'keys' | 'ended'>[]): readonly Strangers[] {
  const living = servers.flatMap((server) => (server.ended !== null || server.keys === null ? [] : [{ server, keys: server.keys }]));
  return living.flatMap(({ server, keys }, index) =>
    living.slice(index + 1).flatMap((other): Strangers[] => {
      const areKnown = [keys[0], other.keys[0]].every((key) => key !== undefined && keys.includes(key) && other.keys.includes(key));
      return areKnown ? [] : [[server, other.server]];
    }),
  );
}

type Named = Pick<FlagServer, 'process' | 'host' | 'pid' | 'keys'>;
type Strangers = readonly [Named, Named];

function one(server: string, all: readonly FlagServer[]): FlagServer {
  const [found, ...more] = server === '' ? [] : all.filter(({ process }) => process.startsWith(server));
  if (found !== undefined && more.length === 0) return found;
  const hint = 'Run `slipway flag servers` to see those there are.';
  if (found === undefined) throw new SlipwayError('not_found', `There is no server process ${server}`, { hint });
  throw new SlipwayError('ambiguous', `${more.length + 1} server processes begin with ${server}`, { hint });
}
