import type { Unfolded, Way } from './bodies.ts';
import { calledFunctions } from './called.ts';
import { whole, type Found } from './findings.ts';
import type { Callable, Schema } from './schema.ts';
import type { Placed } from './types.ts';

/** A COMMIT or ROLLBACK that a statement comes to. */
interface Reached {
  readonly line: number;
  /** Does it come there whenever it runs? */
  readonly sure: boolean;
  /** Why PostgreSQL refuses it wherever it runs; null where it may do so outside of a transaction. */
  readonly why: string | null;
}

const FUNCTION = 'in a function, or in what a function calls';
const BOUND = 'in a procedure with SET or SECURITY DEFINER';
const CAUGHT = 'in a block with EXCEPTION';
const EXECUTED = 'with EXECUTE, or in what that calls';
const SHARED = 'inside a transaction';

interface Runs {
  readonly placed: Placed;
  readonly unfolded: Unfolded | undefined;
  readonly schema: Schema;
  /** The file may be run without a transaction around it: who runs it is not known. */
  readonly loose: boolean;
}

/** COMMIT and ROLLBACK of blocks and procedures where PostgreSQL refuses to end the transaction. */
export function refusedEndings({ placed, unfolded, schema, loose }: Runs): readonly Found[] {
  const { statement } = placed;
  const reached = statement.kind === 'CreateFunctionStmt' ? ownMistakes(unfolded, schema) : endingsOf(statement, unfolded, schema);
  return reached.flatMap(({ line, sure, why }) => {
    const reason = why ?? (placed.shared ? SHARED : null);
    if (reason === null) return [];
    const certain = sure && (why !== null || !loose);
    const draft = {
      rule: 'refused-commit',
      message: `PostgreSQL refuses ${reason === EXECUTED ? 'transaction commands' : 'to COMMIT or ROLLBACK'} ${reason}${certain ? '' : ', if it comes to that'}`,
      ...(certain ? {} : { severity: 'warning' as const }),
    } as const;
    return [{ ...whole(draft, { ...statement, line }), ...(line === statement.line ? {} : { base: null }) }];
  });
}

/** What is wrong with a function itself, whoever calls it; nothing is refused before that. */
function ownMistakes(unfolded: Unfolded | undefined, schema: Schema): readonly Reached[] {
  const made = schema.functions.get(unfolded?.makes ?? '');
  if (made === undefined) return [];
  return own(made).flatMap((one) => (one.why === null ? [] : [{ ...one, sure: false }]));
}

/** What a statement comes to: by its own block, or by what it calls. */
function endingsOf(statement: Placed['statement'], unfolded: Unfolded | undefined, schema: Schema): readonly Reached[] {
  const block = unfolded?.makes === null ? unfolded : undefined;
  const calls = calledFunctions(statement).flatMap((name) => first(ofCallable(name, schema, new Set())));
  return [
    ...calls.map((one) => ({ ...one, line: statement.line, sure: one.sure && isPlain(statement) })),
    ...(block?.ends ?? []).map(ofWay),
    ...(block?.inner ?? []).flatMap((inner) =>
      calledFunctions(inner.statement).flatMap((name) =>
        first(ofCallable(name, schema, new Set())).map((one) => throughWay(one, inner, inner.statement)),
      ),
    ),
  ];
}

/** One is enough to be refused: the surest. */
function first(reached: readonly Reached[]): readonly Reached[] {
  const one = reached.find(({ sure, why }) => sure && why !== null) ?? reached.find(({ sure }) => sure) ?? reached[0];
  return one === undefined ? [] : [one];
}

/** Does it run what it calls for certain: CALL, or SELECT of nothing but that? */
function isPlain({ kind, node }: Placed['statement']): boolean {
  return kind === 'CallStmt' || (kind === 'SelectStmt' && node['fromClause'] === undefined && node['whereClause'] === undefined);
}

function ofWay({ line, ...way }: Way & { readonly line: number }): Reached {
  return { line, sure: way.sure && !way.caught, why: whyOf(way) };
}

const whyOf = ({ caught, executed }: Way): string | null => (caught ? CAUGHT : executed ? EXECUTED : null);

function throughWay({ sure, why }: Reached, way: Way, statement: Placed['statement']): Reached {
  return { line: statement.line, sure: sure && way.sure && !way.caught && isPlain(statement), why: why ?? whyOf(way) };
}

/** What the body itself says, by the kind of function it is in. */
function own(made: Callable): readonly Reached[] {
  const why = !made.procedure || made.readAtOnce ? FUNCTION : made.bound ? BOUND : null;
  return made.ends.map(ofWay).map((one) => ({ ...one, why: one.why ?? why }));
}

function ofCallable(name: string, schema: Schema, seen: Set<string>): readonly Reached[] {
  const made = schema.functions.get(name);
  if (made === undefined || seen.has(name)) return [];
  seen.add(name);
  const why = made.procedure && !made.readAtOnce ? (made.bound ? BOUND : null) : FUNCTION;
  const called = made.body.flatMap((inner) =>
    calledFunctions(inner.statement).flatMap((each) =>
      ofCallable(each, schema, seen).map((one) => throughWay({ ...one, why: one.why ?? why }, inner, inner.statement)),
    ),
  );
  return [...own(made), ...called];
}
