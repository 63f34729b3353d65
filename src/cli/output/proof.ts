import type { CellProof, Proof } from '../../release/index.ts';
import { verdictWord, type Style } from './style.ts';
import { table, wrap } from './table.ts';
import type { Terminal } from './terminal.ts';

interface Evidence {
  readonly file: string;
  readonly sha256: string;
}

/** Where the second column of the lists begins. */
const MARGIN = 14;

/** The matrix for people: how each schema was made, each cell, and the cause of each that is no pass. */
export function renderProof(proof: Proof, { file, sha256 }: Evidence, { style, width }: Terminal): string {
  const required = proof.cells.filter((cell) => cell.required);
  const passed = required.filter(({ verdict }) => verdict === 'pass').length;
  const remarks = [
    ...proof.remarks,
    ...(proof.removed.length === 0 ? [] : [`removed what an earlier run had left: ${proof.removed.join(', ')}`]),
    ...(proof.kept.length === 0 ? [] : [`kept until the next run: ${proof.kept.join(', ')}`]),
  ];
  return [
    `${verdictWord(proof.verdict, style)} ${passed} of ${required.length} required cells passed`,
    ...listed('old version', `${proof.old.version}: ${proof.old.told}`, width),
    ...listed('new version', `${proof.new.version}: ${proof.new.told}`, width),
    ...proof.schemas.flatMap(({ schema, reason }) => listed(schema, reason, width)),
    '',
    matrix(proof, style),
    ...causes(proof.cells, style, width),
    ...remarks.flatMap((remark, index) => [...(index === 0 ? [''] : []), `  ${style.warn('!')} ${wrap(remark, width - 4, '    ')}`]),
    '',
    style.dim(`evidence: ${file}`),
    style.dim(`sha256:   ${sha256}`),
  ].join('\n');
}

function listed(name: string, what: string, width: number): readonly string[] {
  return [`  ${name.padEnd(MARGIN - 2)} ${wrap(what, width - MARGIN - 1, ' '.repeat(MARGIN + 1))}`];
}

function matrix({ cells, schemas }: Proof, style: Style): string {
  const rows = [...new Set(cells.map(rowOf))];
  const cellAt = (row: string, schema: string): string => {
    const cell = cells.find((one) => rowOf(one) === row && one.schema === schema);
    return cell === undefined ? style.dim('-') : cellWord(cell, shownBefore(cell, cells), style);
  };
  return table(
    [['', ...schemas.map(({ schema }) => schema)], ...rows.map((row) => [row, ...schemas.map(({ schema }) => cellAt(row, schema))])],
    '  ',
  );
}

/** What is not required is in brackets: colour alone must not say it. */
function cellWord(cell: CellProof, before: CellProof | null, style: Style): string {
  if (before !== null) return style.dim(`= ${before.schema}`);
  const word = verdictWord(cell.verdict, style);
  return cell.required ? word : `(${word})`;
}

/** The cell of its row whose answer it has; null where it is the first with that answer. The new version has no cell for the old schema. */
function shownBefore(cell: CellProof, cells: readonly CellProof[]): CellProof | null {
  if (cell.runsOn === null) return null;
  const first = cells.find((one) => rowOf(one) === rowOf(cell) && one.runsOn === cell.runsOn);
  return first === undefined || first.schema === cell.schema ? null : first;
}

const rowOf = ({ version, part }: CellProof): string => `${version} ${part}`;

/** Cells with one cause, a schema that could not be made say, are told together. */
function causes(cells: readonly CellProof[], style: Style, width: number): readonly string[] {
  const bad = cells.filter((cell) => cell.verdict !== 'pass' && shownBefore(cell, cells) === null);
  return [...new Set(bad.map(({ cause }) => cause))].flatMap((one) => {
    const group = bad.filter((cell) => cell.cause === one);
    const [first] = group;
    if (first === undefined) return [];
    const { verdict, cause, output } = first;
    const last = output?.lines.findLast((line) => ERROR.test(line)) ?? output?.lines.at(-1);
    return [
      '',
      ...askedOf(group).map((asked) => `  ${verdictWord(verdict, style)} ${asked}`),
      `    ${wrap(cause, width - 4, '    ')}`,
      ...(last === undefined ? [] : [style.dim(`    ${output?.of ?? ''} printed: ${last}`)]),
    ];
  });
}

/** What a program prints last is often that it ended, and not why. */
const ERROR = /error|exception|fatal|panic/i;

function askedOf(group: readonly CellProof[]): readonly string[] {
  const [only, ...others] = group;
  if (only === undefined) return [];
  if (others.length === 0) return [`${rowOf(only)} on ${only.schema} (${only.required ? '' : 'not required; '}${only.meaning})`];
  return [...new Set(group.map(rowOf))].map((row) => {
    const schemas = group
      .filter((cell) => rowOf(cell) === row)
      .map(({ schema, required }) => (required ? schema : `${schema} (not required)`));
    return `${row} on ${schemas.join(', ')}`;
  });
}
