import { crc32 } from 'node:zlib';
import { MARKED_CASES } from './marked-tools.ts';
import { ONE, THREE, TWO, type ToolCase } from './tool-case.ts';

/** Digests of the texts above, as `sha256sum` and `sha384sum` print them. */
const SHA256_ONE = '12c83f983b0c94b9c7010dcc92149589d5fb01a3d32af8f6d699545d95db9040';
const SHA256_TWO = 'ff936cc7c76441f9095c995e8b739c015ce61d804d14dfa83fa7eec6d86e2541';
const SHA384_ONE = 'e1cc0b49a7d453bb345d9fc52670c0bfd4a694b2befb7061a9bad55916701e1ef4ddd22ee7cb1c80b4317a1b5780422c';
const SHA384_TWO = '4f4396a9ca9fb291c93e009a1da01842b09b4d179492132d42d895caa1875f5263f91a7070de5d7002e568e45fcb310d';

const journal = (...tags: readonly string[]): string =>
  JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: tags.map((tag, idx) => ({ idx, version: '7', when: 1_700_000_000_000 + idx, tag, breakpoints: true })),
  });

export const TOOL_CASES: readonly ToolCase[] = [
  {
    tool: 'prisma',
    first: { '20240101000000_one/migration.sql': ONE, 'migration_lock.toml': 'provider = "postgresql"\n' },
    second: { '20240102000000_two/migration.sql': TWO },
    third: { '20240103000000_three/migration.sql': THREE },
    names: ['20240101000000_one', '20240102000000_two', '20240103000000_three'],
    made: `CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
        migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        applied_steps_count INTEGER NOT NULL DEFAULT 0);
      INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
        VALUES ('a', '${SHA256_ONE}', now(), '20240101000000_one', 1)`,
    query: `SELECT checksum, migration_name, finished_at >= started_at - interval '1 minute' AS finished, logs, rolled_back_at, applied_steps_count AS steps FROM _prisma_migrations ORDER BY migration_name`,
    rows: [
      { checksum: SHA256_ONE, migration_name: '20240101000000_one', finished: true, logs: null, rolled_back_at: null, steps: 1 },
      { checksum: SHA256_TWO, migration_name: '20240102000000_two', finished: true, logs: null, rolled_back_at: null, steps: 1 },
    ],
    half: { migration_name: '20240103000000_three', finished: null, steps: 0 },
    broken: [
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('b', 'x', '20240102000000_two', 'boom')`,
      'prisma migrate resolve',
    ],
    lock: () => 72_707_369n,
    down: false,
    checksum: true,
  },
  {
    tool: 'drizzle',
    first: { '0000_one.sql': ONE, 'meta/_journal.json': journal('0000_one') },
    second: { '0001_two.sql': TWO, 'meta/_journal.json': journal('0000_one', '0001_two') },
    third: { '0002_three.sql': THREE, 'meta/_journal.json': journal('0000_one', '0001_two', '0002_three') },
    names: ['0000_one', '0001_two', '0002_three'],
    made: `CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint);
      INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('${SHA256_ONE}', 1700000000000)`,
    query: 'SELECT id, hash, created_at FROM drizzle.__drizzle_migrations ORDER BY id',
    rows: [
      { id: 1, hash: SHA256_ONE, created_at: '1700000000000' },
      { id: 2, hash: SHA256_TWO, created_at: '1700000000001' },
    ],
    half: null,
    broken: null,
    lock: null,
    down: false,
    checksum: true,
  },
  {
    tool: 'diesel',
    first: { '2024-01-01-000000_one/up.sql': ONE, '2024-01-01-000000_one/down.sql': 'DROP TABLE t;' },
    second: { '2024-01-02-000000_two/up.sql': TWO, '2024-01-02-000000_two/down.sql': 'ALTER TABLE t DROP COLUMN a;' },
    third: { '2024-01-03-000000_three/up.sql': THREE, '2024-01-03-000000_three/metadata.toml': 'run_in_transaction = false\n' },
    names: ['2024-01-01-000000_one', '2024-01-02-000000_two', '2024-01-03-000000_three'],
    made: `CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
      INSERT INTO __diesel_schema_migrations (version) VALUES ('20240101000000')`,
    query: 'SELECT version FROM __diesel_schema_migrations ORDER BY version',
    rows: [{ version: '20240101000000' }, { version: '20240102000000' }],
    half: null,
    broken: null,
    lock: null,
    down: true,
    checksum: false,
  },
  {
    tool: 'flyway',
    first: { 'V1__one.sql': ONE },
    second: { 'V1_1__two_words.sql': TWO },
    third: { 'V2__three.sql': THREE, 'V2__three.sql.conf': 'executeInTransaction=false\n' },
    names: ['V1__one', 'V1_1__two_words', 'V2__three'],
    made: `CREATE TABLE flyway_schema_history ("installed_rank" INT NOT NULL, "version" VARCHAR(50), "description" VARCHAR(200) NOT NULL,
        "type" VARCHAR(20) NOT NULL, "script" VARCHAR(1000) NOT NULL, "checksum" INTEGER, "installed_by" VARCHAR(100) NOT NULL,
        "installed_on" TIMESTAMP NOT NULL DEFAULT now(), "execution_time" INTEGER NOT NULL, "success" BOOLEAN NOT NULL);
      INSERT INTO flyway_schema_history VALUES (1, '1', 'one', 'SQL', 'V1__one.sql', 92137680, current_user, now(), 3, true)`,
    query: `SELECT installed_rank, version, description, type, script, checksum, installed_by = current_user AS me, execution_time >= 0 AS timed, success
      FROM flyway_schema_history ORDER BY installed_rank`,
    rows: [
      {
        installed_rank: 1,
        version: '1',
        description: 'one',
        type: 'SQL',
        script: 'V1__one.sql',
        checksum: 92137680,
        me: true,
        timed: true,
        success: true,
      },
      {
        installed_rank: 2,
        version: '1.1',
        description: 'two words',
        type: 'SQL',
        script: 'V1_1__two_words.sql',
        checksum: 1093676568,
        me: true,
        timed: true,
        success: true,
      },
    ],
    half: null,
    broken: [
      `INSERT INTO flyway_schema_history VALUES (2, '1.1', 'two words', 'SQL', 'V1_1__two_words.sql', 1, current_user, now(), 3, false)`,
      'flyway repair',
    ],
    // The hash of "public"."flyway_schema_history", on top of "Flyway".
    lock: () => 77_433_833_903_597n,
    down: false,
    checksum: true,
  },
  {
    tool: 'sqlx',
    first: { '1_one.up.sql': ONE, '1_one.down.sql': 'DROP TABLE t;' },
    second: { '2_two_words.up.sql': TWO, '2_two_words.down.sql': 'ALTER TABLE t DROP COLUMN a;' },
    third: { '3_three.up.sql': `-- no-transaction\n${THREE}`, '3_three.down.sql': 'DROP INDEX i;' },
    names: ['1_one', '2_two_words', '3_three'],
    made: `CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
        success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL);
      INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'one', true, '\\x${SHA384_ONE}', 1)`,
    query: `SELECT version, description, success, encode(checksum, 'hex') AS checksum, execution_time > 0 AS timed FROM _sqlx_migrations ORDER BY version`,
    rows: [
      { version: '1', description: 'one', success: true, checksum: SHA384_ONE, timed: true },
      { version: '2', description: 'two words', success: true, checksum: SHA384_TWO, timed: true },
    ],
    half: { version: '3', success: false },
    broken: [
      `INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (2, 'two words', false, '\\x00', -1)`,
      'version 2 is marked as not successful',
    ],
    lock: (database) => 0x3d32ad9en * BigInt(crc32(database)),
    down: true,
    checksum: true,
  },
  {
    tool: 'golang-migrate',
    first: { '000001_one.up.sql': ONE, '000001_one.down.sql': 'DROP TABLE t;' },
    second: { '000002_two.up.sql': TWO, '000002_two.down.sql': 'ALTER TABLE t DROP COLUMN a;' },
    third: { '000003_three.up.sql': THREE, '000003_three.down.sql': 'DROP INDEX i;' },
    names: ['000001_one', '000002_two', '000003_three'],
    made: 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null); INSERT INTO schema_migrations VALUES (1, false)',
    query: 'SELECT version, dirty FROM schema_migrations',
    rows: [{ version: '2', dirty: false }],
    half: { version: '3', dirty: true },
    broken: ['UPDATE schema_migrations SET version = 2, dirty = true', 'migrate force'],
    // Of its command, which takes the path of the URL for the name of the database.
    lock: (database) => (BigInt(crc32(`public\0schema_migrations\0/${database}`)) * 1_486_364_155n) & 0xffff_ffffn,
    down: true,
    checksum: false,
  },
  ...MARKED_CASES,
];
