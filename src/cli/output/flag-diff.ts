import type { LoadedFlags } from '../../config/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { toIso } from '../../kernel/index.ts';
import type { ApplyPlan, JudgedFlag } from '../../flags/index.ts';
import type { Style } from './style.ts';
import { count } from './table.ts';

export interface DifferencesView {
  readonly environment: string;
  readonly loaded: LoadedFlags;
  readonly style: Style;
  /** What is changed: the server by an apply, the files by a pull. */
  readonly changes: Changed;
}

type Changed = 'server' | 'files';

/** What an apply does, or is refused for, apart from what it leaves as it is. */
export function touchedBy(plan: ApplyPlan, judged: readonly JudgedFlag[]): readonly JudgedFlag[] {
  return judged.filter((one) => !plan.left.includes(one));
}

/** What an apply leaves as it is, and why; empty where there is nothing. */
export function leftText({ left }: ApplyPlan): string {
  const named = (why: string, some: readonly JudgedFlag[]): readonly string[] =>
    some.length === 0 ? [] : [`Left as they are, since ${why}: ${some.map(({ difference }) => difference.key).join(', ')}.`];
  const strangers = left.filter(({ known }) => known === null);
  const changed = left.filter(({ known }) => known !== null);
  return [
    ...named('the files never had them', strangers),
    ...named('they were changed on the server after the files had them', changed),
  ].join(' ');
}

/** What an apply, or a pull, adds (+), changes (~) and removes (-), and what was changed on the server since. */
export function renderDifferences(judged: readonly JudgedFlag[], view: DifferencesView): string {
  if (judged.length === 0) return `The files and ${view.environment} say the same.`;
  const blocks = judged.map((one) => block(one, view));
  const by = (sign: string): number => judged.filter((one) => signOf(one, view.changes) === sign).length;
  const since = judged.filter((one) => one.changedBy !== null).length;
  const sum = `${count(judged.length, 'difference')} between the files and ${view.environment}`;
  const signs = `${by('+')} to add, ${by('~')} to change, ${by('-')} to remove`;
  if (view.changes === 'files') return [...blocks, `${sum}; in the files: ${signs}`].join('\n\n');
  return [...blocks, `${sum}: ${signs}${since === 0 ? '' : `; ${since} changed on the server since the files had it`}`].join('\n\n');
}

function signOf({ difference: { server, files } }: JudgedFlag, changes: Changed): '+' | '~' | '-' {
  const [before, after] = changes === 'server' ? [server, files] : [files, server];
  if (before === null) return '+';
  return after === null ? '-' : '~';
}

function block(judged: JudgedFlag, { loaded, style, environment, changes }: DifferencesView): string {
  const { difference, changedBy } = judged;
  const { kind, key, fields } = difference;
  const sign = signOf(judged, changes);
  const paint = { '+': style.good, '~': style.warn, '-': style.bad }[sign];
  const isDeclared = loaded.fileOf(kind, key) !== null;
  const { file, line } = loaded.place(kind, key, [], environment);
  const what = isDeclared ? `${file}:${line}` : 'in no file';
  const head = `${paint(sign)} ${kind === 'segment' ? 'segment ' : ''}${style.bold(key)}  ${what}`;
  const lines = fields.map(({ field, server, files }) => {
    const [before, after] = changes === 'server' ? [server, files] : [files, server];
    return field === 'rules' ? rulesText(before, after) : [`${field}: ${flow(before)} -> ${flow(after)}`];
  });
  const since =
    changedBy === null
      ? []
      : [
          `changed on the server: ${changedBy.action} by ${changedBy.actor}, ${toIso(changedBy.at)} (change ${changedBy.seq})${changedBy.reason === '' ? '' : `: ${changedBy.reason}`}`,
        ];
  return [head, ...[...lines.flat(), ...since].map((text) => `    ${text}`)].join('\n');
}

/** Rules by their names, since a list of them is too long to compare by eye. */
function rulesText(was: JsonValue, is: JsonValue): readonly string[] {
  const [there, here] = [namedRules(was), namedRules(is)];
  const lines = [...new Set([...there.keys(), ...here.keys()])].flatMap((name) => {
    const [before, after] = [there.get(name), here.get(name)];
    if (before === after) return [];
    if (before === undefined) return [`rule ${name}: added: ${after}`];
    return [after === undefined ? `rule ${name}: removed: ${before}` : `rule ${name}: ${before} -> ${after}`];
  });
  const [old, order] = [[...there.keys()].join(', '), [...here.keys()].join(', ')];
  const isMoved = there.size === here.size && old !== order && [...there.keys()].every((name) => here.has(name));
  return isMoved ? [...lines, `order of rules: ${old} -> ${order}`] : lines;
}

function namedRules(rules: JsonValue): ReadonlyMap<string, string> {
  const list = Array.isArray(rules)
    ? (rules as readonly { readonly name: string; readonly when: JsonValue; readonly serve: JsonValue }[])
    : [];
  return new Map(list.map(({ name, when, serve }) => [name, `${flow(when)} serves ${flow(serve)}`]));
}

/** A value on one line, as YAML would say it. */
export function flow(value: JsonValue): string {
  if (typeof value === 'string') return /^[A-Za-z0-9_.%@/+-]+( [A-Za-z0-9_.%@/+-]+)*$/.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return value === null ? 'none' : String(value);
  const entries = Object.entries(value);
  return entries.length === 0 ? 'none' : `{ ${entries.map(([key, item]) => `${key}: ${flow(item)}`).join(', ')} }`;
}

/** The same as a document; `change` is what happens to the server, or by a pull to the files. */
export function differenceDocument(judged: JudgedFlag, changes: Changed = 'server'): object {
  const { difference, changedBy } = judged;
  const { kind, key, server, files, fields } = difference;
  const change = { '+': 'add', '~': 'change', '-': 'remove' }[signOf(judged, changes)];
  const since =
    changedBy === null
      ? null
      : { seq: changedBy.seq, at: toIso(changedBy.at), actor: changedBy.actor, action: changedBy.action, reason: changedBy.reason };
  return { kind, key, change, fields, server, files, changedOnServer: since };
}

/** Something that is left as it is, as a document. */
export function leftDocument({ difference: { kind, key } }: JudgedFlag): object {
  return { kind, key };
}
