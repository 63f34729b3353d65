import type pg from 'pg';
import { typeChange, typeOfText } from '../../src/database/core/lint/type-change.ts';

/** Every pair of these is tried. Types with a number stand for all of their kind; the pairs of one kind must agree. */
const SAMPLES = [
  ...[
    'bool',
    'int2',
    'int4',
    'int8',
    'oid',
    'float4',
    'float8',
    'text',
    'citext',
    'name',
    'uuid',
    'bytea',
    'json',
    'jsonb',
    'xml',
    'date',
    'money',
  ],
  ...['varchar', 'varchar(10)', 'varchar(20)', 'bpchar(10)', 'bpchar(20)', 'bit(10)', 'bit(20)', 'varbit', 'varbit(10)', 'varbit(20)'],
  ...['numeric', 'numeric(8,2)', 'numeric(12,2)', 'numeric(12,4)', 'numeric(8,4)'],
  ...[
    'timestamp',
    'timestamp(0)',
    'timestamp(3)',
    'timestamptz',
    'timestamptz(0)',
    'timestamptz(3)',
    'time',
    'time(3)',
    'timetz',
    'timetz(3)',
  ],
  ...['interval', 'interval(3)', 'cidr', 'inet', 'macaddr', 'int4[]', 'int8[]', 'text[]', 'varchar[]', 'varchar(10)[]', 'varchar(20)[]'],
];

const MEASURE = `CREATE OR REPLACE FUNCTION pg_temp.cost(was text, becomes text, extra text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE cost text := 'free'; heap oid; index_before oid; heap_before oid; scans bigint;
BEGIN
  EXECUTE format('CREATE TABLE probe (x %s)', was);
  IF extra <> '' THEN EXECUTE extra; END IF;
  heap := 'probe'::regclass; heap_before := pg_relation_filenode(heap); scans := pg_stat_get_xact_numscans(heap);
  SELECT pg_relation_filenode(indexrelid) INTO index_before FROM pg_index WHERE indrelid = heap;
  EXECUTE format('ALTER TABLE probe ALTER COLUMN x TYPE %s', becomes);
  IF pg_relation_filenode(heap) <> heap_before THEN cost := 'rewrite';
  ELSIF pg_stat_get_xact_numscans(heap) > scans
    OR (SELECT pg_relation_filenode(indexrelid) FROM pg_index WHERE indrelid = heap) IS DISTINCT FROM index_before THEN cost := 'scan';
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = cost;
EXCEPTION
  WHEN SQLSTATE 'ZZ001' THEN RETURN SQLERRM;
  WHEN OTHERS THEN RETURN 'error';
END $$`;

/**
 * The cost of each kind of type change, as PLAIN/INDEXED/CHECKED/COMPUTED column (in an expression of an index); kinds that always rewrite are left out, for they are the rule.
 * At UTC only the types that know a time zone are tried, for no other changes with it.
 */
export async function measureTypes(client: pg.Client, zone: 'UTC' | 'America/Los_Angeles'): Promise<ReadonlyMap<string, string>> {
  await client.query(MEASURE);
  await client.query(`SELECT set_config('TimeZone', $1, false)`, [zone]);
  const samples = zone === 'UTC' ? SAMPLES.filter((one) => one.startsWith('time')) : SAMPLES;
  const found = new Map<string, string>();
  for (const was of samples) {
    const { rows } = await client.query<{ becomes: string; costs: string[] }>(
      `SELECT becomes, CASE WHEN plain IN ('rewrite', 'error') THEN array[plain]
         ELSE array[plain, pg_temp.cost($1, becomes, 'CREATE INDEX ON probe (x)'), pg_temp.cost($1, becomes, 'ALTER TABLE probe ADD CHECK (x IS NOT NULL)'),
           pg_temp.cost($1, becomes, 'CREATE INDEX ON probe ((x IS NULL))')] END AS costs
       FROM (SELECT becomes, pg_temp.cost($1, becomes, '') AS plain FROM unnest($2::text[]) becomes OFFSET 0) tried`,
      [was, samples],
    );
    for (const { becomes, costs } of rows) note(found, { was, becomes, costs });
  }
  return new Map([...found].filter(([, cost]) => !/^(?:rewrite|error)/.test(cost)));
}

/** The names of the types of which pairs were measured; of others nothing is known. */
export const MEASURED_TYPES: readonly string[] = [...new Set(SAMPLES.map((one) => typeOfText(one)?.base ?? one))];

function note(
  found: Map<string, string>,
  { was, becomes, costs }: { readonly was: string; readonly becomes: string; readonly costs: readonly string[] },
): void {
  const [from, to] = [typeOfText(was), typeOfText(becomes)];
  if (from === null || to === null) throw new Error(`${was} or ${becomes} is no type`);
  const change = typeChange(from, to);
  if (change === null) return;
  const [plain = 'error', indexed = plain, checked = plain, computed = plain] = costs;
  // No operator class, no index: such a column cannot be indexed at all.
  const cost = [plain, indexed === 'error' ? plain : indexed, checked, computed].join('/');
  const before = found.get(change);
  if (before !== undefined && before !== cost)
    throw new Error(`"${change}" is not one kind: ${before}, but ${was} -> ${becomes} is ${cost}`);
  found.set(change, cost);
}
