/** Writes docs/errors.md (or FILE) from the table of errors. Usage: node scripts/errors-doc.ts [--check] [FILE]; `--check` only compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ERRORS, EXIT_BUG } from '../src/kernel/core/errors.ts';

const checkOnly = process.argv.includes('--check');
const file = process.argv.slice(2).find((argument) => !argument.startsWith('-')) ?? path.resolve(import.meta.dirname, '../docs/errors.md');

function render(): string {
  const rows = Object.entries(ERRORS).map(([code, { exit, http, hint }]) => `| \`${code}\` | ${exit} | ${http} | ${hint} |`);
  return [
    '# Errors',
    '',
    '<!-- Written by `npm run errors-doc` from src/kernel/core/errors.ts; edit that table, not this page. -->',
    '',
    'Every refusal has a code that is never given another meaning. With `--json` the code is the field `error.code`; without it the message and what to do are printed to stderr.',
    'The exit code is for scripts: 0 is done, and each number below says why not.',
    '',
    '| code | exit | HTTP | what to do |',
    '| --- | --: | --: | --- |',
    ...rows,
    '',
    `Exit code ${EXIT_BUG} is a bug in Slipway: please report it with the output of \`slipway doctor\`.`,
    '',
  ].join('\n');
}

if (!checkOnly) {
  writeFileSync(file, render());
} else if (readFileSync(file, 'utf8') !== render()) {
  console.error('docs/errors.md does not match src/kernel/core/errors.ts. Run `npm run errors-doc` and commit the result.');
  process.exitCode = 1;
}
