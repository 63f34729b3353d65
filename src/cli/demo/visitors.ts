import type { Clock } from '../../kernel/index.ts';
import { askOnce, openConnections, startTrickle, type Trickle } from './trickle.ts';

/** Customers by name; the first few of them only ever look. */
const VISITORS = 100;
const ONLY_LOOK = 12;

/** Visitors who look at the products or, every fourth time, order one. */
export function startVisitors(url: string, clock: Clock): Trickle {
  const agent = openConnections();
  const trickle = startTrickle(clock, async (turn) => {
    const kind = turn % 4 === 3 ? 'write' : 'read';
    const customer = visitorAt(turn, kind === 'write');
    const headers = { 'x-customer': customer };
    const { problem } = await (kind === 'write'
      ? askOnce(agent, { kind, method: 'POST', url: `${url}/orders`, headers, body: { productId: 1, quantity: 1, customer } })
      : askOnce(agent, { kind, method: 'GET', url: `${url}/products`, headers }));
    return { kind, problem };
  });
  return {
    take: trickle.take,
    stop: async () => {
      await trickle.stop();
      await agent.close();
    },
  };
}

/** Everybody's turn comes, in an order that has nothing to do with the one in which requests are dealt to versions. */
function visitorAt(turn: number, orders: boolean): string {
  const some = (turn * 37) % VISITORS;
  return `visitor ${orders ? ONLY_LOOK + ((turn >> 2) % (VISITORS - ONLY_LOOK)) : some}`;
}
