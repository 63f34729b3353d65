import type { CleanupStep, CodeReference, CodeReferences, FlagValue } from '../../flags/index.ts';
import { count, table } from './table.ts';
import type { Terminal } from './terminal.ts';

/** References by flag; what cannot be known last. */
export function renderReferences({ references, scanned, unread }: CodeReferences, { style }: Terminal): string {
  const byKey = new Map<string, CodeReference[]>();
  const unknown: CodeReference[] = [];
  for (const one of references) {
    if (one.key === null) unknown.push(one);
    else byKey.set(one.key, [...(byKey.get(one.key) ?? []), one]);
  }
  const blocks = [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, found]) => `${style.bold(key)}\n${lines(found)}`);
  if (unknown.length > 0) blocks.push(`${style.bold('Which flag cannot be known')} (the key is computed)\n${lines(unknown)}`);
  return [...blocks, [...footer(scanned), ...unread.map(({ file, why }) => `Not read: ${file}: ${why}`)].join('\n')].join('\n\n');
}

function lines(references: readonly CodeReference[]): string {
  return table(
    references.map((one) => [`${one.file}:${one.line}:${one.column}`, howFound(one)]),
    '  ',
  );
}

function howFound({ by, callee, written, indirect }: CodeReference): string {
  if (by === 'text') return 'found as text';
  if (by === 'name') return 'the key is written here';
  return `${callee ?? ''}(${written ?? ''})${indirect ? ', followed' : ''}`;
}

function footer({ parsed, asText }: CodeReferences['scanned']): readonly string[] {
  return [`${count(parsed, 'file')} parsed, ${count(asText, 'file')} searched as text`];
}

export interface Cleanup {
  readonly key: string;
  readonly variant: string;
  readonly value: FlagValue;
  readonly steps: readonly CleanupStep[];
  readonly found: CodeReferences;
}

/** What to do, place by place, to get rid of a flag. */
export function renderCleanup({ key, variant, value, steps, found }: Cleanup, { style }: Terminal): string {
  const unknown = found.references.filter((one) => one.key === null);
  const places = steps.map(({ reference: { file, line }, becomes }, index) => [`${index + 1}.`, `${file}:${line}`, becomes]);
  const last = [
    'Release this code everywhere, and wait until no older version runs (`slipway status`).',
    `Take ${key} out of the folder flags, and run \`slipway flag apply\`.`,
  ].map((text, index) => [`${steps.length + index + 1}.`, text]);
  const doubts =
    unknown.length === 0 ? [] : [`${count(unknown.length, 'call')} with a computed key may ask for it too:\n${lines(unknown)}`];
  return [
    `${style.bold(key)} stays ${variant} (${JSON.stringify(value)}) for good`,
    [...(places.length === 0 ? ['No place in the code was found.'] : [table(places, '  ')]), table(last, '  ')].join('\n'),
    ...doubts,
    footer(found.scanned).join('\n'),
  ].join('\n\n');
}
