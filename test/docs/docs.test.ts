import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLines, problemOf } from './command-lines.ts';
import { configKeys, eventTypes, isFaultPoint, preflightNames, stages, stepIds, variables } from './names.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const below = (folder: string): readonly string[] =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
// docs/cli.md is written by the program itself, and is checked with it.
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...below('docs'),
  ...below('docs/flags'),
  ...below('docs/guides'),
  ...below('docs/decisions'),
].filter((name) => name !== 'docs/cli.md');

describe('commands in documents', () => {
  it.each(documents)('%s: every one exists, with its options', (name) => {
    const problems = commandLines(read(name)).flatMap((line) => {
      const problem = problemOf(line);
      return problem === null ? [] : [`${line}: ${problem}`];
    });
    expect(problems).toEqual([]);
  });

  it('README and the page for the night show many', () => {
    expect(commandLines(read('README.md')).length).toBeGreaterThan(10);
    expect(commandLines(read('docs/operations.md')).length).toBeGreaterThan(25);
  });

  it.each([
    ['```console\n$ slipway relase\nslipway is not read here\n```', ['slipway relase'], 'there is no command'],
    ['Say `slipway release --fast`.', ['slipway release --fast'], 'has no option --fast'],
    [
      '```sh\nX=1 slipway -C shop agent stop --al && slipway agent start  # slipway x\n```',
      ['slipway -C shop agent stop --al', 'slipway agent start'],
      '--al',
    ],
  ])('finds what is wrong in %j', (markdown, lines, problem) => {
    expect(commandLines(markdown)).toEqual(lines);
    expect(problemOf(lines[0] ?? '')).toContain(problem);
  });

  it.each(['slipway agent', 'slipway evidence verify ./pack --pin SHA256:x', "slipway release --skip 'scan=why' -e prd --json"])(
    'accepts %s',
    (line) => expect(problemOf(line)).toBeNull(),
  );
});

describe('names in documents', () => {
  const words =
    '(?:preflight|backup|build|test|scan|migrate|deploy|verify|observe|evidence|rollback|release|lock|driver|step|pause|resume|abort|stuck|approval)';
  /** Of a canary or a rolling update, each with a number behind it. */
  const CHECKPOINT_STEPS = ['weight', 'judge', 'workers', 'add', 'share', 'watch', 'retire', 'room'].map((name) => `deploy.${name}`);
  const known = new Set([
    ...stepIds(),
    ...eventTypes(),
    ...preflightNames(),
    ...configKeys(),
    'rollback.pointOfNoReturn',
    ...CHECKPOINT_STEPS,
  ]);

  it.each(documents)('%s: steps, checks, events and fault points are as in the code', (name) => {
    const named = [...read(name).matchAll(new RegExp(`(?<![\\w./-])${words}\\.[a-z][a-zA-Z-]+(?![\\w/.])`, 'g'))].map(([id]) => id);
    const files = /\.(?:ts|md|json|yaml|js|sql|log)$/;
    expect([...new Set(named)].filter((id) => !known.has(id) && !files.test(id) && !isFaultPoint(id))).toEqual([]);
  });

  it.each(documents)('%s: variables are read by the code', (name) => {
    const named = new Set(read(name).match(/SLIPWAY_[A-Z_]+/g) ?? []);
    expect([...named].filter((variable) => !variables().has(variable))).toEqual([]);
  });

  it('the list of stages is the one in the code', () => {
    const row = /^\| stage \| .*?: (.+)\. \|$/m.exec(read('docs/words.md'))?.[1];
    expect(row?.split(', ')).toEqual(stages().filter((stage) => stage !== 'evidence' && stage !== 'rollback'));
  });

  it('knows what is there and what is not', () => {
    for (const id of [
      'migrate.verify-backup',
      'rollback.migrate-down',
      'rollback.re-smoke',
      'deploy.quiet-old',
      'preflight.database',
      'backup.open',
    ])
      expect(stepIds()).toContain(id);
    expect(eventTypes()).toContain('step.intended');
    expect(eventTypes().size).toBeGreaterThan(15);
    expect([isFaultPoint('migrate.acted'), isFaultPoint('migrate.up.committed'), isFaultPoint('migrate.actd')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
