/** What one benchmark measured; `npm run bench` prints it as a table and writes it as JSON. */
export interface BenchResult {
  readonly name: string;
  /** Unit of the leading figure of every row. */
  readonly unit: string;
  readonly rows: readonly BenchRow[];
  /** What a reader must know to judge the figures: rounds, machine, what was skipped and how to include it. */
  readonly notes: readonly string[];
}

/** One line: a subject and its figures by column name. A figure that could not be measured is null. */
export interface BenchRow {
  readonly subject: string;
  readonly figures: Readonly<Record<string, number | null>>;
}

/** A result as an aligned table for a terminal. */
export function formatResult(result: BenchResult): string {
  const columns = [...new Set(result.rows.flatMap((row) => Object.keys(row.figures)))];
  const cells = [['', ...columns], ...result.rows.map((row) => [row.subject, ...columns.map((column) => show(row.figures[column]))])];
  const widths = ['', ...columns].map((_column, index) => Math.max(...cells.map((line) => (line[index] ?? '').length)));
  const lines = cells.map((line) =>
    line.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  '),
  );
  return [`${result.name} (${result.unit})`, ...lines, ...result.notes.map((note) => `- ${note}`)].join('\n');
}

function show(figure: number | null | undefined): string {
  if (figure === null || figure === undefined) return '-';
  return Math.abs(figure) >= 100 ? figure.toFixed(0) : figure.toFixed(2);
}
