import { sql, type Selectable } from 'kysely';
import type { Token, TokenStore } from '../../flags/index.ts';
import type { Session } from '../session.ts';
import type { TokenTable } from './schema.ts';

/** Tokens in PostgreSQL. Times are the database's. */
export function createTokenStore(session: Session): TokenStore {
  const { db, again } = session;
  return {
    create: async (token, secretSha256) => {
      const { id, environment, scopes, description, createdBy, expiresAt } = token;
      await again(() =>
        db
          .insertInto('token')
          .values({
            id,
            secret_sha256: secretSha256,
            environment,
            scopes: [...scopes],
            description,
            created_by: createdBy,
            created_at: sql<Date>`clock_timestamp()`,
            expires_at: expiresAt === null ? null : new Date(expiresAt),
          })
          // The same call again, after a connection that was lost: ids are random, so it is nobody else's.
          .onConflict((already) => already.column('id').doNothing())
          .execute(),
      );
      return tokenOf(await again(() => db.selectFrom('token').selectAll().where('id', '=', id).executeTakeFirstOrThrow()));
    },
    list: async (environment) => {
      let query = db.selectFrom('token').selectAll().orderBy('created_at').orderBy('id');
      if (environment !== null) query = query.where('environment', '=', environment);
      return (await again(() => query.execute())).map(tokenOf);
    },
    find: async (id) => (await findAll(session, [id])).get(id) ?? null,
    findAll: (ids) => findAll(session, ids),
    revoke: async (id, { actor, reason }) => {
      const { numUpdatedRows } = await again(() =>
        db
          .updateTable('token')
          .set({ revoked_at: sql<Date>`clock_timestamp()`, revoked_by: actor, revoke_reason: reason })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .executeTakeFirst(),
      );
      return numUpdatedRows === 1n;
    },
    used: async (ids) => {
      if (ids.length === 0) return;
      const minute = sql<Date>`date_trunc('minute', clock_timestamp())`;
      await again(() =>
        db
          .updateTable('token')
          .set({ last_used_at: minute })
          .where('id', 'in', ids.toSorted())
          .where((is) => is.or([is('last_used_at', 'is', null), is('last_used_at', '<', minute)]))
          .execute(),
      );
    },
  };
}

async function findAll({ db, again }: Session, ids: readonly string[]): ReturnType<TokenStore['findAll']> {
  // One value however many ids there are: so the statement is the same.
  const query = db
    .selectFrom('token')
    .selectAll()
    .where(sql<boolean>`id = any(${[...ids]}::text[])`);
  const rows = await again(() => query.execute());
  return new Map(rows.map((row) => [row.id, { token: tokenOf(row), secretSha256: row.secret_sha256 }]));
}

function tokenOf(row: Selectable<TokenTable>): Token {
  return {
    id: row.id,
    environment: row.environment,
    scopes: row.scopes,
    description: row.description,
    createdBy: row.created_by,
    createdAt: row.created_at.getTime(),
    expiresAt: row.expires_at?.getTime() ?? null,
    revokedAt: row.revoked_at?.getTime() ?? null,
    revokedBy: row.revoked_by,
    revokeReason: row.revoke_reason,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
  };
}
