/** Writes the table of rules into docs/lint.md. Usage: node scripts/lint-doc.ts [--check]; `--check` only compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RULES, type Rule } from '../src/database/core/lint/rules.ts';

const FILE = path.resolve(import.meta.dirname, '../docs/lint.md');
const [BEGIN, END] = ['<!-- rules: written by `npm run lint-doc` from src/database/core/lint/rules.ts -->', '<!-- end of rules -->'];

const TITLES: Readonly<Record<Rule['category'], string>> = {
  locks: 'Locks, rewrites and scans',
  transactions: 'Transactions and limits',
  'old version': 'What the version that serves would notice',
  rows: 'Rows',
  style: 'Style',
  file: 'The file itself',
};

function tables(): string {
  return Object.entries(TITLES)
    .map(([category, title]) => {
      const rows = Object.entries(RULES)
        .filter(([, rule]) => rule.category === category)
        .map(([id, { severity, why }]) => `| \`${id}\` | ${severity} | ${why} |`);
      return [`### ${title}`, '', '| rule | severity | why |', '| --- | --- | --- |', ...rows].join('\n');
    })
    .join('\n\n');
}

const before = readFileSync(FILE, 'utf8');
const [from, to] = [before.indexOf(BEGIN), before.indexOf(END)];
if (from < 0 || to < 0) throw new Error(`docs/lint.md needs the lines\n${BEGIN}\n${END}`);
const after = `${before.slice(0, from)}${BEGIN}\n\n${tables()}\n\n${before.slice(to)}`;
if (!process.argv.includes('--check')) writeFileSync(FILE, after);
else if (after !== before) {
  console.error('docs/lint.md does not match src/database/core/lint/rules.ts. Run `npm run lint-doc` and commit the result.');
  process.exitCode = 1;
}
