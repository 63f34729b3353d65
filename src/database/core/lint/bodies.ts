import { children, nameParts } from '../tree.ts';
import type { Statement } from '../types.ts';
import { calledFunctions } from './called.ts';
import { whole, type Found } from './findings.ts';
import { plainName, type Schema } from './schema.ts';
import type { Draft, Placed } from './types.ts';

/** A statement with those in its body, when it is a DO block or makes a function. */
export interface Unfolded {
  readonly statement: Statement;
  readonly inner: readonly Inner[];
  /** SQL in it that is put together at run time, by line. */
  readonly hidden: readonly number[];
  /** COMMIT and ROLLBACK in it. */
  readonly ends: readonly Ending[];
  /** Why its body cannot be parsed; null where it can, or where it has none. */
  readonly refused: string | null;
  /** The function it makes, which may be called later in the file. */
  readonly makes: string | null;
  /** The server reads the body when the function is made, and not only when it is called: SQL. */
  readonly readAtOnce: boolean;
}

/** A statement of a body. */
export interface Inner extends Way {
  readonly statement: Statement;
  /** Byte of the file at which its text begins; null when the body is not in the file as it is. */
  readonly base: number | null;
}

/** How a body comes to something in it. */
export interface Way {
  /** Whenever it runs: not in a branch, a loop or a handler. */
  readonly sure: boolean;
  /** In a block with EXCEPTION, which is a subtransaction. */
  readonly caught: boolean;
  /** By a text that is run, as with EXECUTE. */
  readonly executed: boolean;
}

/** A COMMIT or ROLLBACK of a body. */
export interface Ending extends Way {
  readonly line: number;
}

/** What runs a body: the schema by then, and which file. */
interface Around {
  readonly schema: Schema;
  readonly file: { readonly index: number };
}

/** A statement that is looked at, and what its places are counted from. */
export interface Step {
  readonly placed: Placed;
  readonly base: number | null;
}

const HIDDEN: Draft = { rule: 'hidden-sql', message: 'this runs SQL that only it knows when it runs, so it was not judged' };

/** What of a body was not judged. What it runs now leaves the file unknown; what a function may run when it is called is a remark. */
export function unjudged({ statement, refused, hidden, makes }: Unfolded, called: ReadonlySet<string>): readonly Found[] {
  const draft: Draft = makes === null || called.has(makes) ? { ...HIDDEN, certainty: 'unknown' } : { ...HIDDEN, severity: 'notice' };
  const message = `the body of this cannot be parsed, so it was not judged: ${refused ?? ''}`;
  return [
    ...(refused === null ? [] : [whole({ rule: 'unreadable', message, certainty: 'unknown' }, statement)]),
    ...hidden.map((line): Found => ({ draft, statement: { ...statement, line }, base: null, inside: null, young: false })),
  ];
}

/** The functions that the statements of a file call, in bodies that run too. */
export function calledIn(statements: readonly Unfolded[]): ReadonlySet<string> {
  const made = new Map(statements.flatMap((one) => (one.makes === null ? [] : [[one.makes, one] as const])));
  if (made.size === 0) return new Set();
  const called = new Set<string>();
  const open = statements.filter(({ makes }) => makes === null);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const own = next.makes === null ? [next.statement] : [];
    for (const name of [...own, ...next.inner.map(({ statement }) => statement)].flatMap(calledFunctions)) {
      const unfolded = made.get(name);
      if (unfolded !== undefined && !called.has(name)) open.push(unfolded);
      called.add(name);
    }
  }
  return called;
}

/** A block runs now; a function only when something calls it, unless this file does. */
export function innerSteps(outer: Placed, unfolded: Unfolded | undefined, called: ReadonlySet<string>): readonly Step[] {
  if (unfolded === undefined) return [];
  const { makes, readAtOnce } = unfolded;
  const inside = makes === null || called.has(makes) ? 'block' : 'function';
  const body = makes === null ? {} : ({ body: readAtOnce ? 'read' : 'unread' } as const);
  return unfolded.inner.map(({ statement, base }) => ({
    placed: { statement, transaction: outer.transaction, shared: true, inside, base, ...body },
    base,
  }));
}

/** A function is judged again where it is called later, with what is there by then. */
export function keepBody({ functions }: Schema, { makes, inner, hidden, ends, readAtOnce }: Unfolded, { node }: Statement): void {
  if (makes === null) return;
  const name = plainName(nameParts(children(node, 'funcname')).join('.'));
  const made = functions.get(name);
  if (made !== undefined) functions.set(name, { ...made, body: inner, hidden: hidden.length > 0, ends, readAtOnce });
}

/** What functions of files before this one do that a statement calls; those of its own file are judged where they are made. */
export function calledSteps({ statement, transaction }: Placed, { schema, file }: Around): readonly Step[] {
  if (statement.kind === 'CreateFunctionStmt') return [];
  const made = calledFunctions(statement).map((name) => schema.functions.get(name));
  return made.flatMap((one) =>
    one === undefined || one.file === file.index
      ? []
      : one.body.map((inner): Step => ({
          placed: {
            statement: { ...inner.statement, line: statement.line, start: null },
            transaction,
            shared: true,
            inside: 'block',
            base: null,
          },
          base: null,
        })),
  );
}

/** A function of an earlier file that is called here and puts SQL together. */
export function hiddenInCalled({ statement }: Placed, { schema, file }: Around): readonly Found[] {
  if (statement.kind === 'CreateFunctionStmt') return [];
  const hides = calledFunctions(statement).some((name) => {
    const made = schema.functions.get(name);
    return made?.hidden === true && made.file !== file.index;
  });
  return hides ? [whole({ ...HIDDEN, certainty: 'unknown' }, statement)] : [];
}
