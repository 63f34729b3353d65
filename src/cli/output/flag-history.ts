import { toIso } from '../../kernel/index.ts';
import {
  conditionText,
  differences,
  serveText,
  type Condition,
  type FlagChange,
  type FlagWrite,
  type Rule,
  type Serve,
} from '../../flags/index.ts';
import { plain } from './as-is.ts';
import type { Style } from './style.ts';
import { fit } from './table.ts';

const LONGEST = 120;

/** Changes, newest first: a line of who, when and why, and below it what is different. */
export function renderHistory(environment: string, changes: readonly FlagChange[], style: Style): string {
  if (changes.length === 0) return `Nothing was changed in ${environment}.`;
  return changes.map((change) => renderChange(change, style)).join('\n');
}

function renderChange({ seq, at, actor, action, reason, writes }: FlagChange, style: Style): string {
  const head = `${style.dim(String(seq))}  ${toIso(at)}  ${style.bold(action)} by ${plain(actor)}${reason === '' ? '' : `: ${plain(reason)}`}`;
  return [head, ...writes.flatMap(linesOf)].join('\n');
}

function linesOf({ kind, key, before, after }: FlagWrite): readonly string[] {
  const name = kind === 'flag' ? key : `segment ${key}`;
  if (before === null) return [`  ${name}: made`];
  if (after === null) return [`  ${name}: deleted`];
  const found = differences(before, after);
  if (found.length === 0) return [`  ${name}: as it was`];
  return found.map((one) => `  ${name}: ${plain(`${one.path} ${told(one.before)} -> ${told(one.after)}`)}`);
}

function told(value: unknown): string {
  return value === undefined ? 'nothing' : fit(wordsOf(value), LONGEST);
}

/** A definition's parts as people say them; values, and what an older build wrote, as they are. */
function wordsOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const has = (...names: readonly string[]): boolean => names.some((name) => Object.hasOwn(value, name));
  if (has('when') && has('serve')) {
    const { when, serve } = value as Rule;
    return `${wordsOf(when)} gets ${wordsOf(serve)}`;
  }
  if (has('variant', 'weights')) return serveText(value as Serve);
  return has('all', 'any', 'not', 'segment', 'percentage', 'attribute') ? conditionText(value as Condition) : JSON.stringify(value);
}
