import type pg from 'pg';
import { directQuery } from '../core/backfill/sql.ts';
import type { BatchWork, Done, Reach } from './batch.ts';
import { prepared } from './prepared.ts';
import type { Wanted } from './state.ts';

/** Writes the rows and moves the cursor in one round trip, at about half of what claiming them first costs. */
export async function changeAtOnce(
  client: pg.Client,
  work: BatchWork,
  { span, rows, boundary }: Reach,
  columns: Readonly<Record<string, string>>,
): Promise<Done> {
  const { definition, walk, fence, range, sparing } = work;
  const { name, where } = definition;
  const query = directQuery(walk, span, {
    filter: { where, quarantine: sparing ? name : null },
    columns,
    move: { name, fence, range, cursor: boundary, done: boundary === null, scanned: boundary === null ? null : rows },
  });
  const answer = await client.query<{ changed: number; wanted: Wanted }>(prepared(query));
  work.faults.at('backfill.committed');
  const [row] = answer.rows;
  if (row === undefined) throw new Error('an aggregate answered no row');
  const { changed, wanted } = row;
  return { kind: 'done', cursor: boundary, scanned: boundary === null ? changed : rows, changed, rangeDone: boundary === null, wanted };
}
