import type pg from 'pg';
import { SlipwayError, type Instant } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import type { Seen, SessionGroup, StatementFacts } from '../core/old-shape/facts.ts';
import { hasUsers, type OldShape } from '../core/old-shape/shape.ts';
import type { DatabaseAccess } from '../ports.ts';
import { findShapes } from './resolve.ts';
import { readSessions } from './sessions.ts';
import { countedStatements } from './statements.ts';
import { serverNow } from './watch.ts';

/** What a standby says of who reads there: the primary sees none of it. */
export interface ReaderFacts {
  /** `replica-1:5432`. */
  readonly at: string;
  /** The primary's time, by whose clock counters were seen moving. */
  readonly now: Instant;
  readonly sessions: readonly SessionGroup[];
  readonly statements: Seen<StatementFacts>;
}

const DOING = 'look for users of an old shape on a standby';

/**
 * Asks a standby what the primary is asked: its sessions, and what it has counted, which is remembered on the primary, for nothing
 * can be written there.
 * @throws SlipwayError `config_invalid` when it is no standby of this database, `database_unreachable`, `database_refused`
 */
export async function lookAtReader(
  primary: DatabaseAccess,
  reader: DatabaseAccess,
  { shapes, remember }: { readonly shapes: readonly OldShape[]; readonly remember: boolean },
): Promise<ReaderFacts> {
  const at = placeOf(reader);
  return withClient(primary, DOING, (kept) =>
    withClient(reader, DOING, async (counted) => {
      const [own, theirs] = [await identity(kept), await identity(counted)];
      if (!theirs.standby || own.system !== theirs.system || own.database !== theirs.database)
        throw new SlipwayError('config_invalid', `database.readers: ${at} is no standby of this database`, {
          hint: 'Name the standbys that stream from the server of database.url, with the same database.',
        });
      const { found } = await findShapes(counted, shapes);
      return {
        at,
        now: await serverNow(kept),
        sessions: await readSessions(counted),
        statements: await countedStatements(
          { counted, kept, at },
          found.filter(({ shape }) => hasUsers(shape)),
          remember,
        ),
      };
    }),
  );
}

interface Identity {
  readonly system: string;
  readonly database: string;
  readonly standby: boolean;
}

async function identity(client: pg.Client): Promise<Identity> {
  const { rows } = await client.query<Identity>(
    'SELECT system_identifier::text AS system, current_database()::text AS database, pg_is_in_recovery() AS standby FROM pg_control_system()',
  );
  const [row] = rows;
  if (row === undefined) throw new Error('pg_control_system answered no row');
  return row;
}

/** Without the user and the password. */
function placeOf({ url }: DatabaseAccess): string {
  const { host, searchParams } = new URL(url);
  return host === '' ? (searchParams.get('host') ?? '') : host;
}

/** Servers that stream from this one, backups and subscribers left out; whoever reads on them is not seen here. */
export async function countStandbys(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_replication r WHERE coalesce(r.state, 'streaming') = 'streaming'
       AND coalesce(r.application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')
       AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')`,
  );
  return rows[0]?.count ?? 0;
}
