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
    return cell === undefined ? style.dim('-') : cellWord(cell, style);
  };
  return table(
    [['', ...schemas.map(({ schema }) => schema)], ...rows.map((row) => [row, ...schemas.map(({ schema }) => cellAt(row, schema))])],
    '  ',
  );
}

/** What is not required is in brackets: colour alone must not say it. */
function cellWord(cell: CellProof, style: Style): string {
  const same = cell.runsOn !== null && cell.runsOn !== cell.schema;
  const word = same ? style.dim(`= ${cell.runsOn ?? ''}`) : verdictWord(cell.verdict, style);
  return cell.required || same ? word : `(${word})`;
}

const rowOf = ({ version, part }: CellProof): string => `${version} ${part}`;

/** Cells with one cause, a schema that could not be made say, are told together. */
function causes(cells: readonly CellProof[], style: Style, width: number): readonly string[] {
  const bad = cells.filter(({ verdict, runsOn, schema }) => verdict !== 'pass' && (runsOn === null || runsOn === schema));
  return [...new Set(bad.map(({ cause }) => cause))].flatMap((one) => {
    const group = bad.filter((cell) => cell.cause === one);
    const [first] = group;
    if (first === undefined) return [];
    const { verdict, cause, output } = first;
    const last = output?.lines.at(-1);
    return [
      '',
      ...askedOf(group).map((asked) => `  ${verdictWord(verdict, style)} ${asked}`),
      `    ${wrap(cause, width - 4, '    ')}`,
      ...(last === undefined ? [] : [style.dim(`    ${output?.of ?? ''} printed last: ${last}`)]),
    ];
  });
}

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
