import type pg from 'pg';
import { withClient } from '../access.ts';
import { contractionsIn, type Contraction, type Covered, type Unreadable } from '../core/old-shape/contractions.ts';
import { lackOf, type CoveredRelation } from '../core/old-shape/cover.ts';
import { outOfTheWay, type OutOfTheWay } from '../core/old-shape/replaced.ts';
import { lookAhead } from '../histories/open.ts';
import type { FolderRequest } from '../histories/ports.ts';
import type { MigrationFile } from '../migrations.ts';
import type { DatabaseAccess } from '../ports.ts';
import { readMigrations } from '../read-migrations.ts';
import { ident } from '../server.ts';

/** What the pending migrations contract. */
export interface PendingContractions {
  readonly contractions: readonly Contraction[];
  readonly unreadable: readonly Unreadable[];
  readonly away: OutOfTheWay;
}

/**
 * Finds what the pending files of a folder take away, from the statements themselves. A name that goes counts, unless a view takes it
 * at once that has the columns and lets in whom the relation lets in.
 * @throws SlipwayError as `planMigrations`
 */
export async function pendingContractions(access: DatabaseAccess, folder: FolderRequest): Promise<PendingContractions> {
  return withClient(access, 'finding what is contracted', async (client) => {
    const { pending } = await lookAhead(client, await readMigrations(folder, client));
    const found = await contractionsOf(client, pending);
    return { ...found, away: outOfTheWay(pending.flatMap(({ up }) => up.statements)) };
  });
}

/** What files contract. @param client null: no database is asked, and no view is taken for as good as what had its name before */
export async function contractionsOf(
  client: pg.Client | null,
  files: readonly MigrationFile[],
): Promise<Pick<PendingContractions, 'contractions' | 'unreadable'>> {
  const { contractions, covered, unreadable } = contractionsIn(
    files.map(({ name, up, transactional }) => ({ name, statements: up.statements, transactional })),
  );
  const uncovered: Contraction[] = [];
  for (const one of covered) uncovered.push(...(client === null ? [one.contraction] : await uncoveredBy(client, one)));
  return { contractions: [...contractions, ...uncovered], unreadable };
}

async function uncoveredBy(client: pg.Client, { contraction, cover }: Covered): Promise<readonly Contraction[]> {
  const relation = await coveredRelation(client, cover.path);
  const lack = relation === null ? null : lackOf(cover, relation);
  if (relation !== null && lack === null) return [];
  return [
    {
      ...contraction,
      shapes: contraction.shapes.map((shape) => ({ ...shape, told: lack === null ? shape.told : `${shape.told}: ${lack}` })),
    },
  ];
}

/** Rights on a column do without one on the table. What is made gets the rights that its maker's defaults say. */
const COVERED = `SELECT CASE WHEN c.relkind IN ('r', 'p') THEN 'table' ELSE 'other' END AS kind, n.nspname::text AS schema,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
    c.relrowsecurity AS "rowSecurity", pg_get_userbyid(c.relowner)::text AS owner, current_user::text AS user,
    (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END AS grantee, a.privilege_type AS privilege, NULL AS "column" FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner
      UNION ALL SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, t.attname
        FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid AND NOT t.attisdropped AND a.grantee <> c.relowner) r) AS rights,
    (SELECT coalesce(json_agg(r), '[]') FROM (
      SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END AS grantee, a.privilege_type AS privilege, NULL AS "column" FROM pg_default_acl d, aclexplode(d.defaclacl) a
      WHERE d.defaclobjtype = 'r' AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND d.defaclnamespace IN (0, n.oid)) r) AS usual
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`;

async function coveredRelation(client: pg.Client, path: readonly string[]): Promise<CoveredRelation | null> {
  const { rows } = await client.query<CoveredRelation>(COVERED, [path.map(ident).join('.')]);
  return rows[0] ?? null;
}
