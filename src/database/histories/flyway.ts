import { crc32 } from 'node:zlib';
import type { Recorded, ToolHistory } from './ports.ts';
import { baseOf, isoTime, noObstacle } from './shared.ts';

interface Row {
  readonly version: string | null;
  readonly description: string;
  readonly type: string;
  readonly script: string;
  readonly checksum: number | null;
  readonly at: string;
  readonly success: boolean;
}

const FILE = /^([VUR])([\d._]*)__(.+)\.sql$/;
/** "Flyway" in ASCII. */
const LOCK = 0x46_6c_79_77_61_79n;
const LONGEST_DESCRIPTION = 200;

/** Versions are compared as numbers: `1`, `1.0` and `001` are the same. */
function versionKey(version: string): string {
  const parts = version.split(/[._]/).map((part) => BigInt(part === '' ? 0 : part));
  while (parts.length > 1 && parts.at(-1) === 0n) parts.pop();
  return parts.join('.');
}

function partsOf(path: string): { readonly version: string | null; readonly description: string } {
  const [, kind, version = '', description = ''] = FILE.exec(baseOf(path)) ?? [];
  return {
    version: kind === 'R' ? null : version.replaceAll('_', '.'),
    description: description.replaceAll('_', ' ').slice(0, LONGEST_DESCRIPTION),
  };
}

const keyOf = (version: string | null, description: string): string => (version === null ? `R ${description}` : versionKey(version));

/** Over the text without line breaks and byte order mark, so that a checkout with other line breaks is the same. */
function checksumOf(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(bytes);
  return String(crc32(text.replace(/[\r\n]/g, '')) | 0);
}

/** Java's hash of a text, which is part of the lock's key. */
function hashOf(text: string): bigint {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return BigInt(hash);
}

/** Is the version of `key` at or below the baseline? */
function atOrBelow(key: string, baseline: string): boolean {
  if (key.startsWith('R ')) return false;
  const [left, right] = [key, baseline].map((one) => one.split('.').map(BigInt));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const [a, b] = [left?.[index] ?? 0n, right?.[index] ?? 0n];
    if (a !== b) return a < b;
  }
  return true;
}

const RUN = new Set(['SQL', 'SQL_BASELINE']);
/** They speak for all versions up to theirs. */
const BASELINES = new Set(['BASELINE', 'SQL_BASELINE']);

/** What the rows say, the last one of a version deciding: a repeatable one has many, an undone or deleted one a later one that says so. */
function recordedIn(rows: readonly Row[]): Map<string, Recorded> {
  const found = new Map<string, Recorded>();
  for (const { version, description, type, script, checksum, at, success } of rows) {
    const key = keyOf(version, description);
    if (type.startsWith('UNDO') || type === 'DELETE') found.delete(key);
    if (!RUN.has(type) || (BASELINES.has(type) && success)) continue;
    const broken = success ? null : `${script} failed when Flyway ran it; repair what it left, then run: flyway repair`;
    found.set(key, { key, checksum: checksum === null ? null : String(checksum), at, broken });
  }
  return found;
}

export const flyway: ToolHistory = {
  name: 'flyway',
  title: 'Flyway',
  table: 'flyway_schema_history',
  columns: { has: ['installed_rank', 'version', 'description', 'type', 'script', 'checksum', 'installed_on', 'success'], hasNot: [] },
  // Its way back is part of its paid edition, which keeps books about it that are not known.
  capabilities: { down: false, beginsEmpty: true },
  programs: null,
  create: (table) => `CREATE TABLE ${table} ("installed_rank" int NOT NULL, "version" varchar(50), "description" varchar(200) NOT NULL,
      "type" varchar(20) NOT NULL, "script" varchar(1000) NOT NULL, "checksum" integer, "installed_by" varchar(100) NOT NULL,
      "installed_on" timestamp NOT NULL DEFAULT now(), "execution_time" integer NOT NULL, "success" boolean NOT NULL,
      CONSTRAINT "flyway_schema_history_pk" PRIMARY KEY ("installed_rank"));
    CREATE INDEX "flyway_schema_history_s_idx" ON ${table} ("success")`,
  locks: (_database, schema) => [LOCK + hashOf(`"${schema}"."flyway_schema_history"`)],
  identify: async (path, bytes) => {
    const { version, description } = partsOf(path);
    return { key: keyOf(version, description), path, checksums: [checksumOf(bytes)], repeatable: version === null };
  },
  obstacle: (path, text) => {
    if (/^(?:before|after)[A-Z]/.test(baseOf(path))) return 'is a callback, which only Flyway calls';
    if (/^B\d[\d._]*__/.test(baseOf(path)))
      return 'is a baseline script, which Flyway runs in an empty database in the place of the files up to it; take it out of this folder';
    const [placeholder] = /\$\{[^}]*\}/.exec(text) ?? [];
    return placeholder === undefined ? noObstacle() : `holds the placeholder ${placeholder}, which only Flyway fills in`;
  },
  read: async (client, table, entries) => {
    const { rows } = await client.query<Row>(
      `SELECT version, description, type, script, checksum, success, ${isoTime('installed_on', false)} AS at FROM ${table} ORDER BY installed_rank`,
    );
    const found = recordedIn(rows);
    const baseline = rows.findLast((row) => BASELINES.has(row.type) && row.success)?.version ?? null;
    if (baseline !== null)
      for (const { key } of entries)
        if (!found.has(key) && atOrBelow(key, versionKey(baseline))) found.set(key, { key, checksum: null, at: null, broken: null });
    return [...found.values()];
  },
  write: async (client, table, { entry, finished, durationMs }) => {
    if (!finished) return;
    const { version, description } = partsOf(entry.path);
    await client.query(
      `INSERT INTO ${table} (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
       SELECT coalesce(max(installed_rank), 0) + 1, $1, $2, 'SQL', $3, $4, current_user, $5, true FROM ${table}`,
      [version, description, entry.path, Number(entry.checksums[0]), Math.round(durationMs)],
    );
  },
};
