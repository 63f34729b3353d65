import type { Condition, Flag, FlagValue, Serve } from '../../../packages/flags/src/core/definition.ts';
import { percentText } from './files/percent.ts';

/** `on`, or `25% on, 75% off`; who is dealt by another attribute than the targeting key is told by which. */
export function serveText(serve: Serve): string {
  if ('variant' in serve) return serve.variant;
  const parts = serve.weights.filter(({ weight }) => weight > 0).map(({ variant, weight }) => `${percentText(weight)} ${variant}`);
  return `${parts.join(', ')}${serve.by === undefined ? '' : ` by ${serve.by}`}`;
}

/** What a flag does, in a few words: `off`, `25% on, 75% off`, `3 rules, else off`. */
export function stateText(flag: Flag): string {
  if (!flag.enabled) return 'off';
  const { length } = flag.rules;
  const rest = serveText(flag.default);
  return length === 0 ? rest : `${length} rule${length === 1 ? '' : 's'}, else ${rest}`;
}

/** A value as one writes it down. */
export function valueText(value: FlagValue): string {
  return JSON.stringify(value);
}

/** A condition as one would say it: `plan eq "pro" and (country in ["de","at"] or segment staff)`. */
export function conditionText(condition: Condition): string {
  if ('all' in condition) return joined(condition.all, ' and ');
  if ('any' in condition) return joined(condition.any, ' or ');
  if ('not' in condition) return `not ${bracketed(condition.not)}`;
  if ('segment' in condition) return `segment ${condition.segment}`;
  if ('percentage' in condition) return `in ${percentText(condition.percentage)}${condition.by === undefined ? '' : ` by ${condition.by}`}`;
  const { attribute, operator } = condition;
  const value = 'values' in condition ? condition.values : 'value' in condition ? condition.value : undefined;
  return `${attribute} ${operator}${value === undefined ? '' : ` ${JSON.stringify(value)}`}`;
}

function joined(parts: readonly Condition[], word: string): string {
  return parts.map(bracketed).join(word);
}

function bracketed(condition: Condition): string {
  const text = conditionText(condition);
  return 'all' in condition || 'any' in condition ? `(${text})` : text;
}
