import type { Unfolded } from '../core/lint/bodies.ts';
import { placeholderIn } from '../core/lint/sections.ts';
import { onlyNameSchemas, withStandIns } from '../core/lint/stand-ins.ts';
import type { Statement } from '../core/types.ts';
import { parseSql, type Parsed } from '../parser.ts';
import { unfold } from './unfold.ts';

/** What a file holds, and the text it was read from; or why it cannot be read. */
export type Read =
  | { readonly ok: true; readonly text: string; readonly statements: readonly Unfolded[] }
  | (Parsed & { readonly ok: false });

/** Reads SQL, in which placeholders may still stand. */
export async function readStatements(text: string): Promise<Read> {
  // Also where it can be read as it is: between quotes a placeholder is a name, and the same one as without them.
  const stood = placeholderIn(text) === null ? null : await readStandingIn(text);
  // What RAISE writes with percent signs may look like one, and has another number of them then.
  if (stood?.ok === true && stood.statements.every(({ refused }) => refused === null)) return stood;
  const parsed = await parseSql(text);
  return parsed.ok ? { ok: true, text, statements: await unfoldAll(parsed.statements, text) } : (stood ?? parsed);
}

/** Placeholders that only name schemas need no value to be judged; null where one is more. */
async function readStandingIn(text: string): Promise<Read | null> {
  const stood = withStandIns(text);
  const parsed = await parseSql(stood);
  if (!parsed.ok) return null;
  const statements = await unfoldAll(parsed.statements, stood);
  const all = statements.flatMap(({ statement, inner }) => [statement, ...inner.map((one) => one.statement)]);
  return all.every(({ node }) => onlyNameSchemas(node)) ? { ok: true, text: stood, statements } : null;
}

async function unfoldAll(statements: readonly Statement[], text: string): Promise<readonly Unfolded[]> {
  const all: Unfolded[] = [];
  for (const statement of statements) all.push(await unfold(statement, text));
  return all;
}
