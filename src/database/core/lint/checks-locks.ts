import { concurrently, indexFix, newColumnFix, notNullFix, ownText, sql, usingIndexFix } from './fixes.ts';
import {
  attachFix,
  defaultPartitionFix,
  dropPartitionFix,
  partitionedIndexFix,
  columnCheckFix,
  columnOf,
  columnsOf,
  constraintFix,
  detachFix,
  domainFix,
  fillColumn,
  foreignColumnFix,
  generatedFix,
  notNullConstraintFix,
  partitionFix,
  serialFix,
  tableOf,
  typeFix,
  virtualFix,
} from './fixes-locks.ts';
import { keepsAllOut } from './impact.ts';
import { MEASURED, versionsWith, type FormName } from './measured-facts.ts';
import { placed } from './recognise-parts.ts';
import type { RuleId } from './rules.ts';
import type { Context, Detail, Draft, Impact } from './types.ts';

/** How a form is judged when it locks somebody out: the rule, and what to do instead. */
interface Judged {
  readonly rule: RuleId;
  readonly fix: (impact: Impact, context: Context) => string | undefined;
}

const judged = (rule: RuleId, fix: Judged['fix'] = () => undefined): Judged => ({ rule, fix });
const timeoutFix: Judged['fix'] = (_, { statement }) =>
  sql(`SET lock_timeout = '1s'`, '-- and try again when it is reached:', ownText(statement));

/** Forms that keep writers or readers out while a table is read or written anew. */
const HEAVY: Partial<Readonly<Record<FormName, Judged>>> = {
  'create index': judged('create-index', (_, { statement }) => indexFix(statement)),
  'create index on partitioned': judged('create-index', partitionedIndexFix),
  'reindex index': judged('reindex', (_, { statement }) => indexFix(statement)),
  'reindex table': judged('reindex', (_, { statement }) => sql(concurrently(statement, 'TABLE'))),
  'reindex schema': judged('reindex'),
  'add column default volatile': judged('add-column-default', fillColumn),
  'add column generated stored': judged('add-column-generated', generatedFix),
  'add column generated virtual required': judged('set-not-null', virtualFix),
  'add column serial': judged('add-column-serial', serialFix),
  'add column identity': judged('add-column-serial', serialFix),
  'add column domain checked': judged('add-column-domain'),
  'add column check': judged('add-column-check', columnCheckFix),
  'add column unique': judged('add-column-unique', (impact) => usingIndexFix(tableOf(impact), [columnOf(impact)], 'UNIQUE')),
  'add column primary key': judged('add-column-primary-key', (impact) => usingIndexFix(tableOf(impact), [columnOf(impact)], 'PRIMARY KEY')),
  'add column references default': judged('add-foreign-key', foreignColumnFix),
  'set not null': judged('set-not-null', (impact, { options }) => notNullFix(tableOf(impact), columnOf(impact), options.version)),
  'set not null checked': judged('set-not-null'),
  'add not null': judged('set-not-null', notNullConstraintFix),
  'add check': judged('add-check', constraintFix),
  'add foreign key': judged('add-foreign-key', constraintFix),
  'add unique': judged('add-unique', (impact) => usingIndexFix(tableOf(impact), columnsOf(impact), 'UNIQUE')),
  'add primary key': judged('add-primary-key', (impact) => usingIndexFix(tableOf(impact), columnsOf(impact), 'PRIMARY KEY')),
  'add primary key using index nullable': judged('primary-key-nullable', (impact, { options }) =>
    columnsOf(impact)
      .map((column) => notNullFix(tableOf(impact), column, options.version))
      .join('\n'),
  ),
  'add exclude': judged('add-exclude'),
  'change type rewrite': judged('column-type', typeFix),
  'change type scan': judged('column-type', typeFix),
  'change type enum': judged('column-type', typeFix),
  'change type enum to text': judged('column-type', typeFix),
  'change collation indexed': judged('column-type', typeFix),
  'set expression': judged('table-rewrite'),
  'set expression virtual required': judged('set-not-null'),
  'set index tablespace': judged('table-rewrite'),
  'set logged': judged('table-rewrite'),
  'set tablespace': judged('table-rewrite'),
  'set access method': judged('table-rewrite'),
  cluster: judged('table-rewrite'),
  'vacuum full': judged('table-rewrite'),
  'refresh materialized view': judged('refresh-view', (_, { statement }) =>
    statement.node['skipData'] === true ? undefined : sql('-- it needs a unique index on the view:', concurrently(statement, 'VIEW')),
  ),
  'attach partition': judged('attach-partition', attachFix),
  'attach partition with default': judged('default-partition', defaultPartitionFix),
  'create table partition of with default': judged('default-partition', defaultPartitionFix),
  'domain add check': judged('domain-constraint', domainFix),
  'domain set not null': judged('domain-constraint'),
  'domain validate': judged('domain-constraint'),
};

/** Forms that take no time themselves, but lock others out while they wait for their turn and until the transaction ends. */
const BRIEF: Partial<Readonly<Record<FormName, Judged>>> = {
  'drop index': judged('drop-index', (_, { statement }) => indexFix(statement)),
  'add column references': judged('add-column-references', foreignColumnFix),
  'drop foreign key': judged('drop-foreign-key', timeoutFix),
  'drop table referencing': judged('drop-foreign-key', timeoutFix),
  'drop table cascade': judged('drop-foreign-key', timeoutFix),
  'drop column referencing': judged('drop-foreign-key', timeoutFix),
  'drop column referenced': judged('drop-foreign-key', timeoutFix),
  'drop key referenced': judged('drop-foreign-key', timeoutFix),
  'change type free referencing': judged('foreign-key-type'),
  'change type free referenced': judged('foreign-key-type'),
  'change type rewrite referencing': judged('foreign-key-type'),
  'change type rewrite referenced': judged('foreign-key-type'),
  'drop table partition': judged('drop-partition', dropPartitionFix),
  'attach partition referencing': judged('reference-locks'),
  'attach partition with own key': judged('drop-foreign-key', timeoutFix),
  'create table partition of referencing': judged('reference-locks'),
  'detach partition referenced': judged('drop-foreign-key', timeoutFix),
  'switch rule': judged('exclusive-lock'),
  'detach partition': judged('detach-partition', detachFix),
  'create table partition of': judged('partition-of', partitionFix),
  'create table references': judged('reference-locks'),
  'add foreign key from new table': judged('reference-locks'),
  'create trigger': judged('exclusive-lock'),
  'switch trigger': judged('exclusive-lock'),
  'create policy': judged('exclusive-lock'),
  'alter policy': judged('exclusive-lock'),
  'drop policy': judged('exclusive-lock'),
  'create rule': judged('exclusive-lock'),
  'drop rule': judged('exclusive-lock'),
  'row security': judged('exclusive-lock'),
};

/** Findings that follow from what was measured of a statement's forms. */
export function checkLocks(context: Context): readonly Draft[] {
  return context.impacts.flatMap((impact) => {
    const facts = fromFacts(impact, context);
    // What rests on something nobody knows is no certainty.
    const condition = RESTS_ON[impact.action.detail?.unsure ?? ''];
    if (condition !== undefined)
      return facts.map((one) => ({ ...one, certainty: 'unknown', message: `${one.message}, ${condition}, which is not known` }));
    return [...facts, ...unsure(impact)];
  });
}

const RESTS_ON: Readonly<Record<string, string>> = {
  volatile: 'if its function is volatile',
  validated: 'unless the constraint that was validated says that there is no NULL',
};

function fromFacts(impact: Impact, context: Context): readonly Draft[] {
  const { form, at, roles } = impact.action;
  if (form === null) return [];
  if (impact.facts === null) return [notInVersion(form, context.options.version, placed(at, roles['target']))];
  if (impact.locks.length === 0) return [];
  const found = (isBusy(impact) ? HEAVY[form] : undefined) ?? BRIEF[form];
  if (found === undefined) return [];
  const fix = found.fix(impact, context);
  return [
    {
      rule: found.rule,
      message: sentence(impact, form),
      scales: true,
      ...(Object.values(impact.facts.locks).some(keepsAllOut) ? {} : { readable: true }),
      // Where two tables are locked, the one that is read decides how bad it is.
      ...placed(at, roles['target'] ?? impact.scans[0] ?? impact.locks[0]?.relation),
      ...(fix === undefined ? {} : { fix }),
    },
  ];
}

/** What was measured on some versions and not on this one is not there: PostgreSQL refuses it. */
function notInVersion(form: FormName, version: number, place: Pick<Draft, 'at' | 'relation'>): Draft {
  const known = versionsWith(form);
  const when = known.includes(MEASURED.newest) ? `before ${known[0] ?? MEASURED.newest}` : `after ${known.at(-1) ?? MEASURED.newest}`;
  return {
    rule: 'not-in-version',
    message: `PostgreSQL ${version} does not know ${WORDS[form] ?? form.toUpperCase()}: no version ${when} does`,
    ...place,
  };
}

/** Does it do more under its lock than change the catalog? */
function isBusy({ scans, rewrites, facts }: Impact): boolean {
  return scans.length > 0 || rewrites.length > 0 || facts?.rebuilds === true;
}

/** "takes ACCESS EXCLUSIVE on orders and reads it whole". */
function sentence({ locks, scans, rewrites, action }: Impact, form: FormName): string {
  const what = WORDS[form] ?? form.toUpperCase();
  const held = locks.map(({ relation, mode }) => `${mode} on ${relation}`).join(' and ');
  const busy = rewrites.length > 0 ? `, and writes ${list(rewrites)} anew` : scans.length > 0 ? `, and reads ${list(scans)} whole` : '';
  const column = action.detail?.column === undefined || action.detail.column === '' ? '' : ` (${action.detail.column})`;
  return `${what}${column} takes ${held}${busy}`;
}

const list = (names: readonly string[]): string => [...new Set(names)].join(' and ');

const WORDS: Partial<Readonly<Record<FormName, string>>> = {
  'reindex schema': 'REINDEX',
  'detach partition concurrently': 'DETACH PARTITION ... CONCURRENTLY',
  'reindex concurrently': 'REINDEX CONCURRENTLY',
  'add column generated virtual': 'a virtual generated column',
  'add not null': 'a NOT NULL constraint with a name',
  'add not null not valid': 'a NOT NULL constraint that is NOT VALID',
  'add column default volatile': 'ADD COLUMN with a default computed for each row',
  'add column generated stored': 'ADD COLUMN ... STORED',
  'add column domain checked': 'ADD COLUMN of a domain with constraints',
  'change type rewrite': 'this change of type',
  'change type scan': 'this change of type',
  'add primary key using index nullable': 'PRIMARY KEY over a nullable column',
  'create table references': 'a foreign key of a new table',
  'add foreign key from new table': 'a foreign key of a new table',
  'drop table referencing': 'dropping a table with a foreign key',
  'drop table cascade': 'dropping a table that others reference',
  'drop column referencing': 'dropping a column with a foreign key',
  'drop column referenced': 'dropping a column that others reference',
  'drop key referenced': 'dropping a key that others reference',
  'drop table partition': 'dropping a partition',
  'change type enum': 'this change of type',
  'change type enum to text': 'this change of type',
  'change collation indexed': 'this change of collation',
  'change type free referencing': 'this change of type',
  'change type free referenced': 'this change of type',
  'change type rewrite referencing': 'this change of type',
  'change type rewrite referenced': 'this change of type',
  'attach partition with default': 'ATTACH PARTITION beside a default partition',
  'create table partition of with default': 'a partition beside a default partition',
  'create index on partitioned': 'CREATE INDEX on a partitioned table',
  'attach partition referencing': 'a foreign key of the partition',
  'attach partition with own key': 'a foreign key of the partition',
  'create table partition of referencing': 'a foreign key of the partition',
  'detach partition referenced': 'detaching what others reference',
  'set expression': 'a changed expression',
  'set expression virtual required': 'a changed expression of a NOT NULL column',
  'add column generated virtual required': 'a NOT NULL column that is computed when it is read',
  'set index tablespace': 'moving an index',
  'switch rule': 'switching a rule',
  'set logged': 'SET LOGGED or UNLOGGED',
  'row security': 'a change of row security',
  'switch trigger': 'switching a trigger',
};

/** What only the catalog could settle. */
function unsure({ action: { detail, at, roles } }: Impact): readonly Draft[] {
  const place = { certainty: 'unknown', ...placed(at, roles['target']) } as const;
  switch (detail?.unsure) {
    case 'type':
      return [unsureType(detail, roles['target'] ?? '', place)];
    case 'nullable':
      return [
        {
          rule: 'primary-key-nullable',
          message:
            'if a column of the index is nullable, PRIMARY KEY USING INDEX reads the whole table under ACCESS EXCLUSIVE; whether one is, is not known',
          severity: 'notice',
          ...place,
        },
      ];
    case 'bounds':
      return [];
    default:
      return [];
  }
}

function unsureType({ type, column = 'column' }: Detail, relation: string, place: Partial<Draft>): Draft {
  const to = type?.to ?? 'the new type';
  const from = type?.from ?? null;
  const known = from === null ? `the old type of ${column} is not known` : `what changing ${from} to ${to} costs is not known`;
  return {
    rule: 'column-type',
    message: `${known}, so the table may be written anew under ACCESS EXCLUSIVE; give --database, or the migrations that made it`,
    severity: 'warning',
    fix: newColumnFix(relation, column, to),
    ...place,
  };
}
