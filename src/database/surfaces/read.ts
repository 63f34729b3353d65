import { LineCounter, parseDocument } from 'yaml';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { messageOf } from '../../kernel/index.ts';
import { readDrizzle } from '../core/surfaces/drizzle.ts';
import { readGraphql } from '../core/surfaces/graphql.ts';
import { readOpenApi } from '../core/surfaces/openapi.ts';
import { readPrisma } from '../core/surfaces/prisma.ts';
import { readRailsSchema } from '../core/surfaces/rails.ts';
import { readKysely, readSupabase } from '../core/surfaces/row-types.ts';
import { readSnapshot } from '../core/surfaces/snapshot.ts';
import type { Claims } from '../core/surfaces/types.ts';
import type { SurfaceKind } from './ports.ts';

/** Kinds that are read from their text alone. */
export type ReadableKind = Exclude<SurfaceKind, 'sql' | 'sqlc'>;

export interface Readable {
  readonly file: string;
  readonly text: string;
  /** Texts of the other files of a schema of Prisma that is split. */
  readonly beside: readonly string[];
}

/** What a file claims; a sentence when it cannot be read. */
export async function readClaims(kind: ReadableKind, { file, text, beside }: Readable): Promise<Claims | string> {
  switch (kind) {
    case 'prisma':
      return readPrisma(text, beside);
    case 'rails':
      return readRailsSchema(text);
    case 'drizzle-snapshot':
      return readJson(text);
    case 'openapi':
      return readDocument(text);
    case 'graphql':
      return readSdl(text);
    default:
      return readTypeScript(kind, text, file);
  }
}

function readJson(text: string): Claims | string {
  try {
    return readSnapshot(JSON.parse(text) as JsonValue, text) ?? 'it is no snapshot of drizzle-kit for PostgreSQL';
  } catch (error) {
    return messageOf(error);
  }
}

/** JSON is YAML, too. */
function readDocument(text: string): Claims | string {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [first] = document.errors;
  if (first !== undefined) return first.message;
  const placeOf = (path: readonly string[]): number => {
    const node = document.getIn(path, true);
    const range = typeof node === 'object' && node !== null && 'range' in node ? (node.range as readonly number[] | null) : null;
    return range === null ? 1 : lines.linePos(range[0] ?? 0).line;
  };
  return readOpenApi(document.toJS() as JsonValue, placeOf) ?? 'it is no OpenAPI document';
}

async function readSdl(text: string): Promise<Claims | string> {
  // Loaded on first use: few commands read GraphQL.
  const { parse } = await import('graphql/language/parser.js');
  try {
    return readGraphql(parse(text) as unknown as JsonObject);
  } catch (error) {
    return messageOf(error);
  }
}

async function readTypeScript(kind: 'drizzle' | 'kysely' | 'supabase', text: string, file: string): Promise<Claims | string> {
  // Loaded on first use: it is a native library, and few commands read TypeScript.
  const { parseSync } = await import('oxc-parser');
  const { program, errors } = parseSync(file, text);
  const [first] = errors;
  if (first !== undefined) return `it is no TypeScript: ${first.message}`;
  const source = { program: program as unknown as JsonObject, text };
  if (kind === 'drizzle') return readDrizzle(source);
  return (kind === 'kysely' ? readKysely(source) : readSupabase(source)) ?? 'its type of the database is not found';
}
