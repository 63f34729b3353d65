import type pg from 'pg';
import { asOwn } from '../core/own.ts';
import { boundaryQuery, type Key, type Span, type Walk } from '../core/backfill/sql.ts';

/**
 * Cuts the table into parts of about as many rows, by key. The last one has no end, so that rows that come are met too.
 * The cuts are read from the index, which for a large table takes a moment and changes nothing.
 */
export async function cutRanges(client: pg.Client, walk: Walk, parts: number): Promise<readonly Span[]> {
  const whole: Span = { after: null, until: null };
  if (parts <= 1) return [whole];
  const { rows } = await client.query<{ rows: number }>(asOwn(`SELECT count(*)::float8 AS rows FROM ${walk.table}`));
  const each = Math.ceil((rows[0]?.rows ?? 0) / parts);
  if (each < 1) return [whole];
  const cuts: Key[] = [];
  for (let after: Key | null = null; cuts.length < parts - 1;) {
    const { text, values } = boundaryQuery(walk, { after, until: null }, each);
    const found: { rows: { key: Key }[] } = await client.query<{ key: Key }>({ text, values: [...values] });
    after = found.rows[0]?.key ?? null;
    if (after === null) break;
    cuts.push(after);
  }
  return [...cuts, null].map((until, index) => ({ after: cuts[index - 1] ?? null, until }));
}
