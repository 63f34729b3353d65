import type { GroupState, ProcessTarget } from '../../targets/index.ts';
import type { EmbeddedRouter, Endpoint } from '../../traffic/index.ts';

/** Addresses of the instances that take requests now. */
export function endpointsOf(group: GroupState | null): readonly Endpoint[] {
  return (group?.instances ?? []).flatMap((one) => (one.phase === 'ready' && one.port !== null ? [{ host: '127.0.0.1', port: one.port, process: one.process }] : []));
}

/**
 * Tells the router of every change in the target, and of what is there already. Changes of a group are told in the
 * order they happened: the state is read when its turn comes, so an old answer never follows a newer one.
 */
export async function connectRouter(target: ProcessTarget, router: EmbeddedRouter, groups: readonly string[]): Promise<() => void> {
  const turns = new Map<string, Promise<void>>();
  const tell = async (group: string): Promise<void> => router.setEndpoints(group, endpointsOf(await target.inspect(group)));
  const inTurn = (group: string): Promise<void> => {
    const turn = (turns.get(group) ?? Promise.resolve()).then(() => tell(group));
    turns.set(group, turn);
    return turn;
  };
  const disconnect = target.onChange((group) => void inTurn(group));
  await Promise.all(groups.map(inTurn));
  return disconnect;
}
