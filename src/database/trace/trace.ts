import type pg from 'pg';
import type { Clock } from '../../kernel/index.ts';
import { connect, withClient } from '../access.ts';
import { beyondIn } from '../beyond.ts';
import { placeholderIn } from '../core/lint/sections.ts';
import { timeline } from '../core/lint/timeline.ts';
import { serverError } from '../errors.ts';
import { lintFiles, type LintedFile } from '../lint/lint.ts';
import type { SourceFile } from '../lint/ports.ts';
import { parseSql } from '../parser.ts';
import type { DatabaseAccess } from '../ports.ts';
import { readRelations } from './observe.ts';
import type { TracedFile, TracedStatement } from './ports.ts';
import { endOpen, traceStatement, type Open, type Session } from './statement.ts';

/**
 * Runs migrations, in order, on a database made for it, and records what each statement locked, rewrote and read, and where the
 * linter says something else. Stops at the first file that does not run: those after it would only fail for that.
 * @param shadow an empty database that nobody else uses
 * @throws SlipwayError `database_unreachable`
 */
export async function traceFiles(shadow: DatabaseAccess, files: readonly SourceFile[], clock: Clock): Promise<readonly TracedFile[]> {
  const up = files.filter(({ direction }) => direction === 'up');
  return withClient(shadow, 'trace', async (client) => {
    const { rows } = await client.query<{ version: number; utc: boolean }>(
      `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('TimeZone') IN ('UTC', 'Etc/UTC', 'GMT') AS utc`,
    );
    const [server = { version: 0, utc: null }] = rows;
    const linted = await lintFiles({ files: up, options: { ...server, sizes: new Map() }, limited: true });
    const second = secondSession(shadow);
    const traced: TracedFile[] = [];
    try {
      for (const [index, file] of up.entries()) {
        const one = await traceFile({ client, clock, aside: second.open }, file, linted[index]?.claims ?? []);
        traced.push(one);
        if (!one.ran) break;
      }
      return traced;
    } finally {
      await second.close();
    }
  });
}

/** Most files need none. */
function secondSession(shadow: DatabaseAccess): { readonly open: Session['aside']; readonly close: () => Promise<void> } {
  let opened: Promise<pg.Client> | null = null;
  return {
    open: () => (opened ??= connect(shadow, 'trace, aside')),
    close: async () => (await opened?.catch(() => null))?.end(),
  };
}

/** What does not parse is often a template: then a person has to know what to give. */
function unreadText(text: string, { line, message }: { readonly line: number; readonly message: string }): string {
  const placeholder = placeholderIn(text);
  if (placeholder === null) return `line ${line}: ${message}`;
  return `line ${placeholder.line}: ${placeholder.written} is a placeholder of a template, not SQL; give its value: --define NAME=VALUE`;
}

/** An extension or role that this server does not have, or a right that no role without superuser has, says nothing of the migration. */
const MISSING = /^(0A000 extension|58P01|42501|42704 .*(extension|role))/i;

const BEGIN_AFTER =
  'Set the server up outside of the migrations, or begin behind this file (slipway db trace --schema DUMP --since THE_NEXT_FILE).';

async function traceFile(session: Session, file: SourceFile, claims: LintedFile['claims']): Promise<TracedFile> {
  const since = session.clock.monotonic();
  const statements: TracedStatement[] = [];
  const done = (verdict: TracedFile['verdict'], reason: string, ran: boolean): TracedFile => ({
    name: file.name,
    verdict,
    reason,
    ran,
    tookMs: session.clock.monotonic() - since,
    statements,
  });
  const [gap] = file.gaps;
  if (gap !== undefined) return done('unknown', `line ${gap.line}: ${gap.message}`, false);
  const parsed = await parseSql(file.text);
  if (!parsed.ok) return done('unknown', unreadText(file.text, parsed), false);
  const beyond = await beyondIn(parsed.statements, file.text);
  if (beyond !== null) return done('unknown', `line ${beyond.line}: not run here: ${beyond.why}. ${BEGIN_AFTER}`, false);
  const known = await readRelations(session.client);
  const open: Open = { transaction: null, locks: [], relations: null };
  for (const [index, placed] of timeline(parsed.statements, file.transactions, 0).placed.entries()) {
    const { line } = placed.statement;
    try {
      statements.push(
        await traceStatement(session, { placed, known, claims: claims.filter((claim) => claim.statement === index + 1) }, open),
      );
    } catch (error) {
      await session.client.query('ROLLBACK').catch(() => undefined);
      const refused = serverError(error);
      if (refused === null) throw error;
      const verdict = MISSING.test(`${refused.code} ${refused.message}`) ? 'unknown' : 'fail';
      return done(verdict, `line ${line}: ${refused.message} [${refused.code}]`, false);
    }
  }
  await endOpen(session.client, open);
  const missed = statements.flatMap((one) => one.missed.map((words) => `line ${one.line}: ${words}`));
  return done(missed.length === 0 ? 'pass' : 'unknown', missed[0] ?? '', true);
}
