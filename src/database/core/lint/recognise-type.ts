import { typeName } from '../expression-effect.ts';
import { child, children } from '../tree.ts';
import type { Statement } from '../types.ts';
import { MEASURED_TYPES } from './measured.ts';
import { typeCost, type ColumnUse, type FormName, type TypeCost } from './measured-facts.ts';
import { action, located } from './recognise-parts.ts';
import { typeNeighbours } from './recognise-references.ts';
import { columnUse, isCheckedDomain, ofDomain, plainName, type Schema } from './schema.ts';
import { columnType, narrows, typeChange, typeText, type ColumnType } from './type-change.ts';
import type { Action, LintOptions } from './types.ts';

type Node = Statement['node'];

/** The table an ALTER TABLE is about, and what is known around it. */
export interface AlteredTable {
  readonly name: string;
  readonly schema: Schema;
  readonly options: LintOptions;
  /** Constraints that the same statement drops. */
  readonly dropped: ReadonlySet<string>;
}

/** The column's old type decides; without it nothing is claimed but the lock. */
export function changeType(command: Node, column: string, table: AlteredTable): readonly Action[] {
  const definition = child(child(command, 'def'), 'ColumnDef');
  const to = columnType(child(definition, 'typeName'));
  const from = table.schema.tables.get(table.name)?.columns.get(column)?.type ?? null;
  const judged = judgeColumn(from, to, { definition, column, table });
  const writes = judged.form !== 'change type free' && judged.form !== 'change type scan' && !judged.form.startsWith('change collation');
  const at = located(definition) ?? located(child(definition, 'typeName'));
  const detail = {
    column,
    type: {
      from: from === null ? null : typeText(from),
      to: to === null ? typeName(child(definition, 'typeName')) : typeText(to),
      narrows: from !== null && to !== null && narrows(from, to),
    },
    ...(judged.unsure ? { unsure: 'type' } : {}),
  };
  return [
    action(judged.form, { target: table.name }, command, at, detail),
    ...typeNeighbours({ schema: table.schema, table: table.name }, column, command, { column, writes }),
  ];
}

interface TypeJudgement {
  readonly form: FormName;
  readonly unsure: boolean;
}

interface Changed {
  readonly definition: Node;
  readonly column: string;
  readonly table: AlteredTable;
}

/** What is computed when it is read is not written anew; what promises something about it is looked at. */
function judgeColumn(from: ColumnType | null, to: ColumnType | null, changed: Changed): TypeJudgement {
  const { column, table } = changed;
  const { name, schema } = table;
  if (schema.tables.get(name)?.columns.get(column)?.virtual !== true) return judgeType(from, to, changed);
  return { form: columnUse(schema, name, column).checked ? 'change type scan' : 'change type free', unsure: false };
}

/** Of domains, what they are made of is judged. */
function judgeType(written: ColumnType | null, wanted: ColumnType | null, changed: Changed): TypeJudgement {
  const { schema } = changed.table;
  const [from, to] = [ofDomain(written, schema), ofDomain(wanted, schema)];
  if (from === null || to === null) return { form: 'change type free', unsure: true };
  const renamed = written?.base !== wanted?.base;
  // Each value is looked at by the new domain.
  if (renamed && isCheckedDomain(wanted?.base ?? '', schema)) return { form: 'change type rewrite', unsure: false };
  return judgePlain(from, to, changed, renamed);
}

// oxlint-disable-next-line max-params -- what judgeType found out
function judgePlain(from: ColumnType, to: ColumnType, { definition, column, table }: Changed, renamed: boolean): TypeJudgement {
  const change = typeChange(from, to);
  const ofEnum = change === null ? null : enumChange(from, to, table.schema);
  if (ofEnum !== null) return { form: ofEnum, unsure: false };
  const use = columnUse(table.schema, table.name, column);
  // USING may compute anything; a bare cast to the new type is what PostgreSQL would do anyway.
  const computes = definition['raw_default'] !== undefined && !isPlainCast(definition['raw_default']);
  if (computes) return { form: 'change type rewrite', unsure: false };
  if (change === null) return { form: renamed ? otherName(use) : sameType(definition, use.indexed), unsure: false };
  if (!MEASURED_TYPES.has(from.base) || !MEASURED_TYPES.has(to.base)) return { form: 'change type free', unsure: true };
  const cost = typeCost(change, table.options.version, { ...use, utc: table.options.utc === true });
  return { form: COSTS[cost], unsure: false };
}

/** From a domain to what it is made of, or back: what computes with the column is computed anew. */
function otherName({ checked, computed }: Pick<ColumnUse, 'checked' | 'computed'>): FormName {
  return checked || computed ? 'change type scan' : 'change type free';
}

function enumChange(from: ColumnType, to: ColumnType, { enums }: Schema): FormName | null {
  if (enums.has(plainName(to.base))) return 'change type enum';
  return enums.has(plainName(from.base)) ? 'change type enum to text' : null;
}

/** Which collation it had is not known: with one written, an index on it may be built anew. */
function sameType(definition: Node, indexed: boolean): FormName {
  if (definition['collClause'] === undefined) return 'change type free';
  return indexed ? 'change collation indexed' : 'change collation';
}

const COSTS = { free: 'change type free', scan: 'change type scan', rewrite: 'change type rewrite' } as const satisfies Readonly<
  Record<TypeCost, FormName>
>;

/** A column, or one cast; one by way of text is still none between texts. */
function isPlainCast(expression: Node[string]): boolean {
  if (child(expression as Node, 'ColumnRef')['fields'] !== undefined) return true;
  const cast = child(expression as Node, 'TypeCast');
  const arg = child(cast, 'arg');
  if (arg['ColumnRef'] !== undefined) return true;
  const inner = child(arg, 'TypeCast');
  const texts = [cast, inner].every(
    (one) => TEXTS.has(typeName(child(one, 'typeName'))) && children(child(one, 'typeName'), 'typmods').length === 0,
  );
  return texts && child(inner, 'arg')['ColumnRef'] !== undefined;
}

const TEXTS: ReadonlySet<string> = new Set(['text', 'varchar']);
