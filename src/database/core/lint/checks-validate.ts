import { quoted, sql } from './fixes.ts';
import type { Context, Draft } from './types.ts';

/** What validates, and what the lock that adding it took leaves to others: beside a foreign key, reading. */
const VALIDATES: Readonly<Record<string, Pick<Draft, 'readable'>>> = {
  'validate check': {},
  'validate foreign key': { readable: true },
};

/** Only what was added in this very transaction is still locked when it is validated. */
export function validatesTogether({ impacts, schema, placed }: Context): readonly Draft[] {
  const added = new Set(
    impacts.flatMap(({ action: { form, detail } }) => (form?.endsWith('not valid') === true ? [detail?.constraint ?? ''] : [])),
  );
  return impacts.flatMap(({ action: { form, roles, detail }, locks }) => {
    const [table, name] = [roles['target'], detail?.constraint ?? ''];
    const kept = VALIDATES[form ?? ''];
    if (kept === undefined || table === undefined || locks.length === 0) return [];
    const constraint = schema.tables.get(table)?.constraints.get(name);
    const together = added.has(name) || (placed.shared && constraint !== undefined && constraint.transaction === placed.transaction);
    if (!together) return [];
    return [
      {
        rule: 'validate-together',
        message: `${name} was added in the same transaction, whose lock on ${table} is kept while every row is checked`,
        relation: table,
        scales: true,
        ...kept,
        fix: sql('-- in a later migration:', `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(name)}`),
      } as const,
    ];
  });
}
