import { loadSample, queryRows, type DatabaseAccess } from '../../database/index.ts';
import { NAME_SQL, nameAt, type Filled } from './customers.ts';

const CHECK_MS = 120_000;

/** Puts so many customers into the shop, with names that are known from their ids, beside those its migrations made. */
export async function fillCustomers(access: DatabaseAccess, rows: number): Promise<Filled> {
  const [found] = await queryRows(access, 'SELECT coalesce(max(id), 0)::int AS last FROM customers', CHECK_MS);
  const first = Number(found?.['last']) + 1;
  const last = first + rows - 1;
  await loadSample(
    access,
    `INSERT INTO customers (id, name) OVERRIDING SYSTEM VALUE SELECT id, ${NAME_SQL} FROM generate_series(${first}, ${last}) id;
     SELECT setval(pg_get_serial_sequence('customers', 'id'), ${last});`,
  );
  return { first, last };
}

/** What became of the customers' names: how many were compared with what they must be, and what is wrong. */
export interface Names {
  readonly compared: number;
  /** Of these, so many were added or renamed by users meanwhile. */
  readonly byUsers: number;
  /** A few of the wrong ones, each with what it is and must be; and whether the old column is there. */
  readonly wrong: readonly string[];
}

/** Compares every customer's two columns with the split of the name they had, or were given by users meanwhile. */
export async function checkNames(
  access: DatabaseAccess,
  { first, last }: Filled,
  written: ReadonlyMap<number, string | null>,
): Promise<Names> {
  const known = [...written].flatMap(([id, name]) => (name === null ? [] : [{ id, name }]));
  const told = [...written.keys(), 0].join(', ');
  const filled = await queryRows(
    access,
    `SELECT id, first_name, last_name FROM customers WHERE id BETWEEN ${first} AND ${last} AND id NOT IN (${told})
       AND concat_ws(' ', first_name, nullif(last_name, '')) || CASE WHEN first_name IS NULL OR last_name IS NULL THEN '?' ELSE '' END
         IS DISTINCT FROM ${NAME_SQL} OR strpos(first_name, ' ') > 0 LIMIT 5`,
    CHECK_MS,
  );
  const users = await queryRows(access, `SELECT id, first_name, last_name FROM customers WHERE id IN (${told})`, CHECK_MS);
  const [counted] = await queryRows(
    access,
    `SELECT count(*)::int AS rows, (SELECT count(*)::int FROM pg_attribute
       WHERE attrelid = 'customers'::regclass AND attname = 'name' AND NOT attisdropped) AS old
     FROM customers WHERE id BETWEEN ${first} AND ${last}`,
    CHECK_MS,
  );
  const found = new Map(users.map((row) => [Number(row['id']), row]));
  const wrong = [
    ...filled.map((row) => complaint(Number(row['id']), row, nameAt(Number(row['id'])))),
    ...known.flatMap(({ id, name }) => (isSplit(found.get(id), name) ? [] : [complaint(id, found.get(id), name)])).slice(0, 5),
    ...(Number(counted?.['rows']) === last - first + 1 ? [] : [`${String(counted?.['rows'])} of ${last - first + 1} customers are there`]),
    ...(counted?.['old'] === 0 ? [] : ['the column name is still there']),
  ];
  const untouched = last - first + 1 - [...written.keys()].filter((id) => id >= first && id <= last).length;
  return { compared: untouched + known.length, byUsers: known.length, wrong };
}

type Row = Readonly<Record<string, unknown>>;

function isSplit(row: Row | undefined, name: string): boolean {
  const [first = '', ...rest] = name.split(' ');
  return row !== undefined && row['first_name'] === first && row['last_name'] === rest.join(' ');
}

function complaint(id: number, row: Row | undefined, name: string): string {
  return `customer ${id} should be "${name}" and is ${JSON.stringify(row ?? null)}`;
}
