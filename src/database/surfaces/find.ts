import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FoundSurface, SurfaceKind } from './ports.ts';

const PASSED_OVER = new Set(['node_modules', 'dist', 'build', 'vendor', 'target', 'coverage', 'tmp']);
const DEEPEST = 8;
/** A tree that is larger is no source. */
const MOST_FILES = 50_000;
const LARGEST = 4 * 1024 * 1024;

/**
 * Files below a folder that follow the schema of a database, told by their names, and TypeScript by what is in it.
 * @throws Error when the folder cannot be read
 */
export async function findSurfaces(root: string): Promise<readonly FoundSurface[]> {
  const found: FoundSurface[] = [];
  const files = await walk(root);
  const snapshots = new Map<string, string>();
  for (const file of files) {
    const kind = await kindOf(root, file);
    // Of the snapshots of one folder only the newest says what is now.
    if (kind === 'drizzle-snapshot') snapshots.set(dirname(file), file);
    else if (kind !== null) found.push({ file, kind });
  }
  for (const file of snapshots.values()) found.push({ file, kind: 'drizzle-snapshot' });
  return found.toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

async function walk(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  const open = [{ folder: '', depth: 0 }];
  // Where Prisma puts its client unless told otherwise.
  const client = 'node_modules/.prisma/client/schema.prisma';
  if ((await stat(join(root, client)).catch(() => null)) !== null) files.push(client);
  for (let next = open.pop(); next !== undefined && files.length < MOST_FILES; next = open.pop()) {
    const { folder, depth } = next;
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (folder !== '' && error.code === 'EACCES') return [];
      throw error;
    });
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && depth < DEEPEST && !PASSED_OVER.has(entry.name) && !entry.name.startsWith('.'))
        open.push({ folder: path, depth: depth + 1 });
    }
  }
  return files.toSorted();
}

/** What a file is by its name and, where the name does not tell, by its text; null for one that follows no schema. */
export async function kindOf(root: string, file: string): Promise<SurfaceKind | null> {
  const name = basename(file);
  const byName = kindByName(name, basename(dirname(file)));
  if (byName !== 'typescript' && byName !== 'graphql') return byName;
  const { size } = await stat(join(root, file));
  if (size > LARGEST) return null;
  const text = await readFile(join(root, file), 'utf8');
  if (byName === 'typescript') return kindByText(text);
  // Queries of clients have the same ending.
  return /^\s*type\s+\w/m.test(text) ? 'graphql' : null;
}

function kindByName(name: string, folder: string): SurfaceKind | 'typescript' | null {
  if (name.endsWith('.prisma')) return 'prisma';
  if (/^\d+_snapshot\.json$/.test(name) && folder === 'meta') return 'drizzle-snapshot';
  if (/^(structure|schema)\.sql$/.test(name)) return 'sql';
  if (name === 'schema.rb') return 'rails';
  if (/^(openapi|swagger)\.(json|ya?ml)$/.test(name)) return 'openapi';
  if (/^sqlc\.(json|ya?ml)$/.test(name)) return 'sqlc';
  if (/\.(graphql|graphqls|gql)$/.test(name)) return 'graphql';
  return /\.[mc]?ts$/.test(name) && !/\.(test|spec)\.[mc]?ts$/.test(name) ? 'typescript' : null;
}

function kindByText(text: string): SurfaceKind | null {
  if (/from ['"]drizzle-orm\/pg-core['"]/.test(text))
    return /\b(pgTable|pgTableCreator|pgEnum|pgSchema)\s*\(/.test(text) ? 'drizzle' : null;
  if (/export (type|interface) Database\b/.test(text) && /\bTables: \{/.test(text)) return 'supabase';
  if (/export (type|interface) DB\b/.test(text) && /from ['"]kysely['"]|kysely-codegen/.test(text)) return 'kysely';
  return null;
}
