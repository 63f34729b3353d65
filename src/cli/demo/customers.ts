import type { Clock } from '../../kernel/index.ts';
import { askOnce, openConnections, startTrickle, type Asked, type Trickle } from './trickle.ts';

/** Customers of the shop, by id: those it was filled with, whose names are known from their numbers. */
export interface Filled {
  readonly first: number;
  readonly last: number;
}

/** Users who read, add and rename customers, and know what they must be answered. */
export interface CustomerUsers extends Trickle {
  /** What users wrote, by id; null where the answer was an error, so that nobody knows. */
  readonly written: ReadonlyMap<number, string | null>;
}

const GIVEN = ['Ada', 'Grace', 'Jean-Luc', 'Zoë', 'Marie', 'Alan', 'Katherine'];
const FAMILY = ['Lovelace', 'Hopper', 'de la Tour', "O'Neill", 'van Beethoven'];
/** Every so-manieth customer has one name only. */
const ONE_NAME = 50;
/** Reads walk through the table in steps of this prime, so they are everywhere at any time. */
const STEP = 7919;

/** The name of a customer whom the shop was filled with. */
export function nameAt(id: number): string {
  return id % ONE_NAME === 0 ? `Cher${id}` : `${GIVEN[id % GIVEN.length]} ${FAMILY[id % FAMILY.length]} ${id}`;
}

/** {@link nameAt} as an SQL expression over `id`. */
export const NAME_SQL = `CASE WHEN id % ${ONE_NAME} = 0 THEN 'Cher' || id ELSE
  (${array(GIVEN)})[1 + id % ${GIVEN.length}] || ' ' || (${array(FAMILY)})[1 + id % ${FAMILY.length}] || ' ' || id END`;

function array(texts: readonly string[]): string {
  return `ARRAY[${texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')}]`;
}

/** Every fourth question is a write, in turn of somebody new and of somebody who is there. A read that shows another name than was written is a failure. */
export function startCustomers(url: string, clock: Clock, filled: Filled): CustomerUsers {
  const agent = openConnections();
  const written = new Map<number, string | null>();
  /** Whoever is being renamed has two names for a moment, so nobody else asks. */
  const busy = new Set<number>();
  const count = filled.last - filled.first + 1;
  const idAt = (turn: number): number => {
    const added = [...written.keys()].at(-1 - (turn % 7));
    return turn % 4 === 1 && added !== undefined ? added : filled.first + ((turn * STEP) % count);
  };

  const read = async (id: number): Promise<Asked> => {
    const expected = written.get(id);
    const answered = await askOnce(agent, { kind: 'read', method: 'GET', url: `${url}/customers/${id}` });
    if (answered.problem !== null) return { kind: 'read', problem: answered.problem };
    // Somebody has renamed them meanwhile, or nobody knows.
    if (written.get(id) !== expected || expected === null || busy.has(id)) return { kind: 'read', problem: null };
    return {
      kind: 'read',
      problem: nameIn(answered.answer) === (expected ?? nameAt(id)) ? null : 'read showed another name than was written',
    };
  };
  const add = async (turn: number): Promise<Asked> => {
    const name = `New Customer ${turn}`;
    const answered = await askOnce(agent, { kind: 'write', method: 'POST', url: `${url}/customers`, body: { name } });
    if (answered.problem !== null) return { kind: 'write', problem: answered.problem };
    const { id } = answered.answer as { readonly id: number };
    written.set(id, name);
    return { kind: 'write', problem: nameIn(answered.answer) === name ? null : 'write was answered another name' };
  };
  const rename = async (id: number, turn: number): Promise<Asked> => {
    const name = `Renamed in turn ${turn}`;
    busy.add(id);
    const answered = await askOnce(agent, { kind: 'write', method: 'PUT', url: `${url}/customers/${id}`, body: { name } });
    written.set(id, answered.problem === null ? name : null);
    busy.delete(id);
    if (answered.problem !== null) return { kind: 'write', problem: answered.problem };
    return { kind: 'write', problem: nameIn(answered.answer) === name ? null : 'write was answered another name' };
  };

  const trickle = startTrickle(clock, (turn) => {
    const id = idAt(turn);
    if (turn % 8 === 3) return add(turn);
    return turn % 8 === 7 && !busy.has(id) ? rename(id, turn) : read(id);
  });
  return {
    written,
    take: trickle.take,
    stop: async () => {
      await trickle.stop();
      await agent.close();
    },
  };
}

function nameIn(answer: unknown): unknown {
  return (answer as { readonly name?: unknown }).name;
}
