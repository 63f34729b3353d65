import type { Verdict } from '../../kernel/index.ts';
import type { SurfaceDifference } from '../core/surfaces/types.ts';

/** What a file that follows the schema may be. */
export type SurfaceKind =
  | 'prisma'
  | 'drizzle'
  | 'drizzle-snapshot'
  | 'kysely'
  | 'supabase'
  | 'sql'
  | 'rails'
  | 'openapi'
  | 'graphql'
  | 'sqlc';

/** A file that is made from the schema, or written beside it, and whether it is in step with it. */
export interface SurfaceAnswer {
  /** Relative to the folder looked through, with forward slashes. */
  readonly file: string;
  /** Null for a named file of which nobody knows what it is. */
  readonly kind: SurfaceKind | null;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly differences: readonly SurfaceDifference[];
}

/** A surface found or named. */
export interface FoundSurface {
  readonly file: string;
  readonly kind: SurfaceKind | null;
}
