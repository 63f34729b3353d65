import type { CommandSpec } from '../commands/spec.ts';
import { wrap } from './table.ts';

const WIDTH = 100;
const COMMON_EXITS: readonly (readonly [number, string])[] = [
  [0, 'done'],
  [2, 'wrong usage or configuration'],
  [70, 'a bug in Slipway'],
];

/** What follows commander's own help: remarks, examples, exit codes and the shape of --json. */
export function helpTail({
  notes,
  examples,
  exits,
  json,
}: Pick<CommandSpec, 'examples'> & Partial<Pick<CommandSpec, 'notes' | 'exits' | 'json'>>): string {
  const blocks = [
    notes === undefined ? null : wrap(notes, WIDTH),
    `Examples:\n${examples.map(({ line, what }) => `  # ${what}\n  ${line}`).join('\n')}`,
    json === undefined ? null : `With --json:\n  ${wrap(json, WIDTH - 2, '  ')}`,
    json === undefined ? null : `Exit codes:\n${exitTable(exits ?? [])}`,
  ];
  return `\n${blocks.filter((block) => block !== null).join('\n\n')}`;
}

function exitTable(exits: readonly (readonly [number, string])[]): string {
  const rows = [...COMMON_EXITS, ...exits].toSorted(([a], [b]) => a - b);
  return rows.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${wrap(meaning, WIDTH - 7, ' '.repeat(7))}`).join('\n');
}
