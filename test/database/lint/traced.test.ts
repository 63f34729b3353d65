import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lintFiles, openAccess, traceFiles, type LintedFile, type SourceFile, type TracedFile } from '../../../src/database/index.ts';
import { systemClock } from '../../../src/kernel/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { CASES } from './traced-cases.ts';

const names = Object.keys(CASES);
const files: readonly SourceFile[] = names.flatMap((name, index) => {
  const { before, sql } = CASES[name] ?? { before: '', sql: '' };
  return [before, sql].map((text, part): SourceFile => ({
    name: `${index}.${part}.sql`,
    text: text.replaceAll('@', String(index)),
    direction: 'up',
    transactions: 'auto',
    gaps: [],
  }));
});

let server: TestPostgres;
let traced: readonly TracedFile[];
let linted: readonly LintedFile[];
beforeAll(async () => {
  server = await startPostgres();
  traced = await traceFiles(openAccess(await server.create('traced')), files, systemClock);
  // Long before, so that no table is young.
  const between = files.flatMap((file) => [...Array.from({ length: 11 }, () => ({ ...file, text: '' })), file]);
  const all = await lintFiles({ files: between, options: { version: 18, utc: null, sizes: new Map() }, limited: true });
  linted = all.filter((_, index) => index % 12 === 11);
});
afterAll(() => server.stop());

describe('lint says what a server then does', () => {
  test.each(names.map((name, index) => [name, index] as const))('%s', (name, index) => {
    const { verdict, reason, statements } = traced[index * 2 + 1] ?? { verdict: 'none', reason: 'the trace ended before', statements: [] };
    expect({ verdict, reason }).toEqual({ verdict: 'pass', reason: '' });
    expect(statements.flatMap(({ careful }) => careful)).toEqual([]);
    const told = linted[index * 2 + 1]?.findings.filter(({ severity }) => severity !== 'notice').map(({ rule }) => rule) ?? [];
    expect(told.toSorted()).toEqual(CASES[name]?.rules.toSorted());
  });
});
