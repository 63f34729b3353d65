import { messageOf, type Log } from '../../kernel/index.ts';
import type { GroupState, ProcessTarget } from '../../targets/index.ts';
import type { Endpoint, LocalRouter } from '../../traffic/index.ts';

/** Addresses of the instances that take requests now. */
function endpointsOf(group: GroupState | null): readonly Endpoint[] {
  return (group?.instances ?? []).flatMap((one) =>
    one.phase === 'ready' && one.port !== null ? [{ host: '127.0.0.1', port: one.port, process: one.process }] : [],
  );
}

/** The endpoints of every group as last seen, for a router that asks. */
export interface EndpointBook {
  get(group: string): readonly Endpoint[];
  /** Tells the router of every change from now on. Returns what ends it. */
  connect(router: LocalRouter): () => void;
}

/** Reads the endpoints of all groups there are, and keeps them current while connected. */
export async function openEndpointBook(target: ProcessTarget, log: Log): Promise<EndpointBook> {
  const known = new Map<string, readonly Endpoint[]>();
  const turns = new Map<string, Promise<void>>();
  const read = async (group: string): Promise<void> => void known.set(group, endpointsOf(await target.inspect(group)));
  await Promise.all(target.groups().map(read));
  return {
    get: (group) => known.get(group) ?? [],
    connect: (router) => {
      const tell = async (group: string): Promise<void> => {
        await read(group);
        await router.setEndpoints(group, known.get(group) ?? []);
      };
      // In the order of the changes: an old answer must never follow a newer one.
      const inTurn = (group: string): void => {
        const turn = (turns.get(group) ?? Promise.resolve()).then(() => tell(group));
        // One failed reading must not end the turns: the next change reads again.
        turns.set(
          group,
          turn.catch((error: unknown) => log('error', 'endpoints could not be read', { group, error: messageOf(error) })),
        );
      };
      const disconnect = target.onChange(inTurn);
      // What changed between the first reading and now.
      target.groups().forEach(inTurn);
      return disconnect;
    },
  };
}
