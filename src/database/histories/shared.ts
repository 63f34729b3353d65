import { createHash } from 'node:crypto';

/** A file's name without its folders. */
export const baseOf = (path: string): string => path.split('/').at(-1) ?? path;

/** The folder a file is in. */
export const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/');

/** The number in front of a file's name, as a number would be written. */
export const numberOf = (path: string): string => String(BigInt(/^\d+/.exec(baseOf(path))?.[0] ?? '0'));

/** What stands behind the number, as tools show it to people. */
export const descriptionOf = (path: string): string =>
  baseOf(path)
    .replace(/^\d+_?/, '')
    .replace(/(?:\.up|\.down)?\.sql$/i, '')
    .replaceAll('_', ' ');

/** Hex digest. */
export const digest = (algorithm: 'sha256' | 'sha384', content: Uint8Array | string): string =>
  createHash(algorithm).update(content).digest('hex');

/** A time in a query, as ISO 8601. A column without a zone was filled in the zone of a session, which is taken to be the server's. */
export const isoTime = (column: string, zoned: boolean): string =>
  `to_char(${zoned ? column : `(${column} AT TIME ZONE current_setting('TimeZone'))`} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** For tools that check nothing of a file before they run it. */
export const noObstacle = (): null => null;
