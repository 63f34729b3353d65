import { existsSync } from 'node:fs';
import type pg from 'pg';
import type { DatabaseAccess } from '../ports.ts';

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])?$/;

/** Folder of the server's data when it lies on this machine and we may know it; null otherwise. */
export async function serverFolder(client: pg.Client, access: DatabaseAccess): Promise<string | null> {
  const url = new URL(access.url);
  const host = url.searchParams.get('host') ?? url.hostname;
  if (!host.startsWith('/') && !LOCAL.test(host)) return null;
  // Only a superuser or a member of pg_read_all_settings may read it; the missing right must not end a transaction, so it is asked first.
  const { rows } = await client.query<{ folder: string | null }>(`SELECT setting AS folder FROM pg_settings WHERE name = 'data_directory'`);
  const folder = rows[0]?.folder ?? null;
  return folder !== null && existsSync(folder) ? folder : null;
}
