/** Something that was not printed, with where. */
interface Gap {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A part of what a tool printed. */
export interface PrintedPart {
  /** The revision it belongs to. */
  readonly revision: string;
  readonly text: string;
}

const RUNNING = /^-- Running upgrade\b.*->\s*(\w+)/;
const VERSION_TABLE = /^(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:[\w"]+\.)?"?alembic_version"?\b.*;$/;
const CONTROL = /^\s*(BEGIN|COMMIT|ROLLBACK)\s*;\s*$/i;

/**
 * Cuts what `alembic upgrade --sql` prints into revisions. A transaction that goes over several of them is begun and ended in each,
 * and Alembic's own notes in its table are blanked out.
 */
export function splitAlembic(printed: string): readonly PrintedPart[] {
  const parts: { revision: string; lines: string[] }[] = [];
  let open = false;
  for (const line of printed.split('\n')) {
    const control = CONTROL.exec(line)?.[1]?.toUpperCase();
    const revision = RUNNING.exec(line)?.[1];
    if (revision !== undefined) {
      if (open) parts.at(-1)?.lines.push('COMMIT;');
      parts.push({ revision, lines: [open ? 'BEGIN;' : ''] });
      continue;
    }
    if (control !== undefined) open = control === 'BEGIN';
    parts.at(-1)?.lines.push(VERSION_TABLE.test(line) ? '' : line);
  }
  return parts.map(({ revision, lines }) => ({ revision, text: withoutEmptyEnd(lines).join('\n') }));
}

/** A transaction that begins at the end of a part is the next one's, and one of nothing is none. */
function withoutEmptyEnd(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line.trim() !== '' && !CONTROL.test(line));
  const next = lines.slice(last + 1).find((line) => CONTROL.test(line));
  return [...lines.slice(0, last + 1), ...(next === undefined || /begin/i.test(next) ? [] : [next])];
}

const NO_SQL = /^-- (?:MIGRATION NOW PERFORMS OPERATION THAT CANNOT BE WRITTEN AS SQL|THIS OPERATION CANNOT BE WRITTEN AS SQL)/;

/** What `manage.py sqlmigrate` says it cannot print: programs that run in the middle of a migration. */
export function djangoGaps(printed: string): readonly Gap[] {
  return printed.split('\n').flatMap((line, index, lines) => {
    if (!NO_SQL.test(line)) return [];
    const what = lines
      .slice(0, index)
      .findLast((one) => /^-- \w/.test(one))
      ?.replace(/^-- /, '');
    return [
      { line: index + 1, column: 1, message: `Django runs a program here${what === undefined ? '' : ` (${what})`}, which was not judged` },
    ];
  });
}
