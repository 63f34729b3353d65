import type { Flag, FlagValue, Serve } from '../../../../packages/flags/src/core/definition.ts';
import type { Reference } from './scan.ts';
import type { Lines, Site } from './site.ts';

/** One place that changes when a flag is gone for good, and what becomes of it. */
export interface CleanupStep {
  readonly reference: Reference;
  readonly becomes: string;
}

/** The steps for the code when everybody gets this value for good. */
export function cleanupSteps(references: readonly Reference[], value: FlagValue): readonly CleanupStep[] {
  return references.map((reference) => ({ reference, becomes: becomes(reference, value) }));
}

/** One variant for everybody. Where shares of 100 % deal it, only for those who have the attributes that deal: the others get `off`. */
export interface WholeVariant {
  readonly variant: string;
  readonly dealtBy: readonly string[];
}

/** The variant that everybody gets now, or everybody who can be dealt one; null where that is not one for all. */
export function wholeVariant({ enabled, off, rules, default: last, prerequisites }: Flag): WholeVariant | null {
  if (!enabled) return { variant: off, dealtBy: [] };
  const served = [...rules.map((rule) => rule.serve), last].map((serve) => wholeServed(serve, off));
  const all = new Set([...served.map((one) => one?.variant ?? null), ...(prerequisites.length > 0 ? [off] : [])]);
  const [only = null] = all;
  if (all.size !== 1 || only === null) return null;
  return { variant: only, dealtBy: [...new Set(served.flatMap((one) => one?.dealtBy ?? []))] };
}

function wholeServed(serve: Serve, off: string): WholeVariant | null {
  if ('variant' in serve) return { variant: serve.variant, dealtBy: [] };
  const [only, second] = serve.weights.filter(({ weight }) => weight > 0);
  if (only === undefined || second !== undefined) return null;
  return { variant: only.variant, dealtBy: only.variant === off ? [] : [serve.by ?? 'targetingKey'] };
}

/** The variant that everybody gets now, whoever they are; null where that is not one for all. */
export function fixedVariant(flag: Flag): string | null {
  const whole = wholeVariant(flag);
  return whole?.dealtBy.length === 0 ? whole.variant : null;
}

function becomes(reference: Reference, value: FlagValue): string {
  const text = JSON.stringify(value);
  if (reference.by === 'text') return 'look: found as text, in a language that is not parsed';
  if (reference.by === 'name') return 'look: the key is written here without a call that asks for it';
  if (reference.gives === 'handle') return `delete it; where the handle is asked, write ${text}`;
  if (reference.site === null) return `write ${text}`;
  if (reference.gives === 'details') return `delete the call; its value is ${text}${laterUses(reference.site)}`;
  return decided(reference.site, value) ?? `${reference.site.expression} becomes ${text}${laterUses(reference.site)}`;
}

function laterUses({ kept }: Site): string {
  if (kept === null) return '';
  const where = kept.lines.length === 0 ? 'and is not used' : `and is used in line ${kept.lines.join(', ')}`;
  return `; ${kept.name} stands for it ${where}`;
}

/** What stays of a decision; null where the value decides nothing here. */
function decided(site: Site, value: FlagValue): string | null {
  const { decides, negated, whenTrue, whenFalse } = site;
  if (decides === null) return null;
  const isTrue = Boolean(value) !== negated;
  const [stays, goes] = isTrue ? [whenTrue, whenFalse] : [whenFalse, whenTrue];
  if (decides === 'if' || decides === 'choice') {
    const what = decides === 'if' ? 'the if' : 'the choice';
    if (stays === null) return `delete ${what} with ${lines(goes)}`;
    return `${what} goes: keep ${lines(stays)}${goes === null ? '' : `, delete ${lines(goes)}`}`;
  }
  if (stays !== null) return `keep only the right side (${lines(stays)})`;
  return `becomes ${String(decides === 'or')}; delete the right side (${lines(goes)})`;
}

function lines(at: Lines | null): string {
  if (at === null) return 'nothing';
  return at.from === at.to ? `line ${at.from}` : `lines ${at.from}-${at.to}`;
}
