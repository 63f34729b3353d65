import type { Instant } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import type { Dependant, Seen, SessionGroup, StatementFacts } from '../core/old-shape/facts.ts';
import type { OutOfTheWay } from '../core/old-shape/replaced.ts';
import { hasUsers, type OldShape } from '../core/old-shape/shape.ts';
import type { DatabaseAccess } from '../ports.ts';
import { dependantsOf } from './dependants.ts';
import { countStandbys } from './reader.ts';
import { findShapes, type FoundShape } from './resolve.ts';
import { readSessions } from './sessions.ts';
import { countedStatements, usesInText } from './statements.ts';
import { serverNow } from './watch.ts';

/** What a database says of old shapes and who uses them. */
export interface ShapeFacts {
  /** The server's time: counters were seen moving by its clock, which may differ from this machine's. */
  readonly now: Instant;
  readonly missing: readonly OldShape[];
  readonly statements: Seen<StatementFacts>;
  readonly dependants: readonly Dependant[];
  readonly sessions: readonly SessionGroup[];
  /** How many servers stream from this one, on which somebody may read. */
  readonly standbys: number;
  /** Queries of the given sets that use them: `1.4.0 orders.sql:3`. */
  readonly queries: readonly { readonly name: string; readonly use: Dependant['use'] }[];
}

export interface ShapeRequest {
  readonly shapes: readonly OldShape[];
  readonly away: OutOfTheWay;
  /** Queries whose texts are looked through, each with a name. */
  readonly queries: readonly { readonly name: string; readonly text: string }[];
  /** False while an old version runs: its calls say nothing of what comes after it. */
  readonly remember: boolean;
}

/**
 * Looks for users of old shapes wherever the database knows of some. What the server counted is remembered in it
 * (`slipway_history.watched_counter`), so that the next look can tell what was called since; nothing else is changed.
 * @throws SlipwayError `database_unreachable`, `database_refused`
 */
export async function lookAtShapes(access: DatabaseAccess, { shapes, away, queries, remember }: ShapeRequest): Promise<ShapeFacts> {
  return withClient(access, 'looking for users of an old shape', async (client) => {
    const { found, missing } = await findShapes(client, shapes);
    const readable = found.filter(({ shape }) => hasUsers(shape));
    return {
      now: await serverNow(client),
      missing,
      sessions: await readSessions(client),
      dependants: await dependantsOf(client, readable, away),
      queries: await usedInQueries(queries, readable),
      statements: await countedStatements({ counted: client, kept: client, at: null }, readable, remember),
      standbys: await countStandbys(client),
    };
  });
}

async function usedInQueries(queries: ShapeRequest['queries'], shapes: readonly FoundShape[]): Promise<ShapeFacts['queries']> {
  const used: { name: string; use: Dependant['use'] }[] = [];
  for (const { name, text } of queries) for (const { use } of await usesInText(text, shapes)) used.push({ name, use });
  return used;
}
