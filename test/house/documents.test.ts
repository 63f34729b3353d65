import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/kernel/core/errors.ts';
import { ROOT, committedFiles, runNode, withTree } from './support.ts';

const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const files = committedFiles().filter((name) => existsSync(path.join(ROOT, name)));
const documents = files.filter((name) => name.endsWith('.md'));
const words = [...read('docs/words.md').matchAll(/^\| ([a-z ]+) \| (.+) \|$/gm)].map(([, word = '', meaning = '']) => ({ word, meaning }));

describe('docs/errors.md', () => {
  const script = path.join(ROOT, 'scripts/errors-doc.ts');

  it('says what the table of errors says', () => {
    expect(runNode([script, '--check'])).toEqual({ status: 0, output: '' });
    for (const code of Object.keys(ERRORS)) expect(read('docs/errors.md')).toContain(`| \`${code}\` |`);
  });

  it('is refused when it differs', () => {
    const changed = read('docs/errors.md').replace('| 10 |', '| 11 |');
    const answer = withTree({ 'errors.md': changed }, (root) => runNode([script, '--check', path.join(root, 'errors.md')]));
    expect(answer).toMatchObject({ status: 1, output: expect.stringContaining('npm run errors-doc') });
  });
});

describe('docs/words.md', () => {
  it.each(
    `release envelope step stage gate verdict target router weight slot judge ledger rollback freeze flag backfill`
      .split(' ')
      .concat(['metric source', 'evidence pack', 'kill switch', 'change record']),
  )('defines %s', (word) => {
    expect(words.map((row) => row.word)).toContain(word);
  });

  it('has each word once, with a meaning that is a sentence', () => {
    const rows = words.filter(({ word }) => word !== 'word');
    expect(new Set(rows.map(({ word }) => word)).size).toBe(rows.length);
    for (const { meaning } of rows) expect(meaning).toMatch(/^[A-Z].*\.$/);
  });
});

describe('decision records', () => {
  const records = documents.filter((name) => name.startsWith('docs/decisions/'));

  it.each(records)('%s says context, decision, consequences and what would overturn it', (name) => {
    const headings = [...read(name).matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    expect(headings).toEqual(['Context', 'Decision', 'Consequences', 'What would overturn it']);
    expect(read(name)).toMatch(new RegExp(`^# ${path.basename(name).slice(0, 4)} `));
  });

  it('are numbered without a gap', () => {
    const numbers = records.map((name) => Number(path.basename(name).slice(0, 4))).toSorted((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

describe('documents', () => {
  it.each(documents)('%s points at things that exist', (name) => {
    const text = read(name).replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '');
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !/^[a-z]+:/.test(link));
    const named = [...text.matchAll(/`((?:src|docs|test|scripts|examples|bench|schema)\/[\w./-]+\.\w+)`/g)].map((match) => match[1] ?? '');
    const missing = [
      ...links.filter((link) => !existsSync(path.join(ROOT, path.dirname(name), link))),
      ...named.filter((file) => !existsSync(path.join(ROOT, file))),
    ];
    expect(missing).toEqual([]);
  });
});

describe('committed text', () => {
  it('names no path of a developer machine and no package host', () => {
    // Put together here, so that this file does not find itself.
    const forbidden = [
      ['', 'work', 'main'],
      ['', 'work', 'shared'],
      ['', 'root', ''],
    ].map((parts) => parts.join('/'));
    expect(files.length).toBeGreaterThan(50);
    const found = files.filter((name) => {
      const text = read(name);
      return forbidden.some((needle) => text.includes(needle));
    });
    expect(found).toEqual([]);
  });
});

describe('tests', () => {
  const suites = files.filter((name) => /^(?:src|test|packages)\/.*\.test\.ts$/.test(name));

  it('have names of their own within a file and describe block', () => {
    const doubled = suites.flatMap((name) => duplicateTitles(read(name)).map((title) => `${name}: ${title}`));
    expect(suites.length).toBeGreaterThan(3);
    expect(doubled).toEqual([]);
  });

  it('sees a doubled name', () => {
    expect(duplicateTitles("describe('a', () => {\n  it('x', f);\n  it('x', f);\n});\n")).toEqual(['x']);
    expect(duplicateTitles("describe('a', () => {\n  it('x', f);\n});\ndescribe('b', () => {\n  it('x', f);\n});\n")).toEqual([]);
  });
});

/** Titles used twice between two `describe` lines; nested blocks end where the next one begins, which is near enough. */
function duplicateTitles(text: string): readonly string[] {
  return text.split(/^\s*describe(?:\.\w+)*\(/m).flatMap((block) => {
    const titles = [...block.matchAll(/^\s*(?:it|test)(?:\.\w+)*\(\s*(['"`])(.+?)\1,/gm)].map((match) => match[2] ?? '');
    return titles.filter((title, index) => titles.indexOf(title) !== index);
  });
}
