import type { Linted } from '../commands/db-lint.ts';
import { placeIn } from './lint.ts';

/** Workflow commands that GitHub shows beside the lines of a pull request. */
export function githubAnnotations({ path, files }: Linted): string {
  return files
    .flatMap(({ findings }) => findings.filter((one) => one.allowed === null))
    .map((one) => {
      const properties = { file: placeIn(path, one.file), line: one.line, col: one.column, title: `slipway ${one.rule}` };
      const list = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
      const fix = one.fix === null ? '' : `\nInstead:\n${one.fix}`;
      return `::${one.severity} ${list.join(',')}::${escapeData(`${one.message}. ${one.why}${fix}`)}`;
    })
    .join('\n');
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
