import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadFlags } from '../../src/config/index.ts';
import { resolveFiles, writeFlag, writeSegment } from '../../src/flags/index.ts';
import { SlipwayError } from '../../src/kernel/index.ts';
import { scratch } from '../cli/support.ts';
import { flagSets } from '../support/flags.ts';

const home = scratch();
afterAll(home.remove);
let count = 0;

/** A workspace with these files below `flags`. */
function workspace(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = path.join(home.path, String(count++));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, 'flags', name)), { recursive: true });
    writeFileSync(path.join(folder, 'flags', name), text);
  }
  return folder;
}

async function refusal(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const thrown: unknown = await loadFlags(workspace(files)).catch((error: unknown) => error);
  if (!(thrown instanceof SlipwayError)) throw new Error(`not refused: ${JSON.stringify(thrown)}`);
  return thrown.message;
}

const FLAG = 'flags:\n  release_a:\n    type: release\n    owner: team\n    expires: 2027-03-31\n';
const origins = { createdAt: () => '2026-11-30T00:00:00.000Z' };

describe('files of flags', () => {
  it('say every flag there is, and nothing of it is lost on the way back', async () => {
    await fc.assert(
      fc.asyncProperty(flagSets(), async (set) => {
        const flags = Object.fromEntries(Object.entries(set.flags).map(([key, flag]) => [key, writeFlag(key, flag)]));
        const segments = Object.fromEntries(Object.entries(set.segments).map(([key, segment]) => [key, writeSegment(segment)]));
        const { files } = await loadFlags(workspace({ 'all.yaml': stringify({ flags, segments }) }));
        expect(resolveFiles(files, 'prd', origins)).toEqual({ set, gaps: [] });
      }),
      { numRuns: 150 },
    );
  });

  it('leave out what goes without saying', async () => {
    const { files } = await loadFlags(workspace({ 'a.yaml': FLAG }));
    const flag = resolveFiles(files, 'prd', origins).set.flags['release_a'];
    expect(flag).toMatchObject({
      variants: { on: true, off: false },
      off: 'off',
      default: { variant: 'off' },
      enabled: true,
      salt: 'release_a',
    });
    expect(flag === undefined ? null : writeFlag('release_a', flag)).toEqual({
      type: 'release',
      owner: 'team',
      created: '2026-11-30',
      expires: '2027-03-31',
    });
  });

  it('differ by environment: a key replaces the one above, and absent takes the flag away', async () => {
    const own =
      '    default: on\n    environments:\n      dev: { enabled: false }\n      stg: { default: { split: { on: 5%, off: 95% } } }\n      prd: absent\n';
    const { files } = await loadFlags(workspace({ 'a.yaml': FLAG + own }));
    const at = (environment: string) => resolveFiles(files, environment, origins).set.flags['release_a'];
    expect(at('dev')).toMatchObject({ enabled: false, default: { variant: 'on' } });
    expect(at('stg')).toMatchObject({
      enabled: true,
      default: {
        weights: [
          { variant: 'on', weight: 5_000 },
          { variant: 'off', weight: 95_000 },
        ],
      },
    });
    expect(at('prd')).toBeUndefined();
    expect(at('other')).toMatchObject({ default: { variant: 'on' } });
  });

  it('may be many, in folders too, and each thing is declared once', async () => {
    const segment = 'segments:\n  staff: { when: { attribute: email, endsWith: "@example.com" } }\n';
    const loaded = await loadFlags(workspace({ 'a.yaml': FLAG, 'team/b.yml': segment, 'notes.txt': '{' }));
    expect([...loaded.texts.keys()]).toEqual(['flags/a.yaml', 'flags/team/b.yml']);
    expect(loaded.fileOf('segment', 'staff')).toBe('flags/team/b.yml');
    expect(loaded.place('flag', 'release_a', ['owner'])).toEqual({ file: 'flags/a.yaml', line: 4, column: 12 });
    expect(await refusal({ 'a.yaml': FLAG, 'b.yaml': FLAG })).toContain(
      'flags/b.yaml:2:3  flags.release_a\n  is declared in flags/a.yaml too; keep one',
    );
    expect((await loadFlags(path.join(home.path, 'nothing'))).files).toEqual({ flags: [], segments: [] });
  });

  it.each([
    ['a key twice', 'flags:\n  a: { type: ops }\n  a: { type: ops }\n', 'flags/x.yaml:3:3\n  this key is written twice'],
    [
      'an unknown key',
      `${FLAG}    defualt: on\n`,
      'flags/x.yaml:6:5  flags.release_a.defualt\n  "defualt" is not a key here; did you mean "default"?',
    ],
    ['two operators', `${FLAG}    rules: [{ when: { attribute: a, eq: 1, gt: 2 }, serve: on }]\n`, 'says eq and gt at once'],
    [
      'an operator without an attribute',
      `${FLAG}    rules: [{ when: { segment: a, gt: 2 }, serve: on }]\n`,
      'says gt without an attribute',
    ],
    ['a share of more than everybody', `${FLAG}    default: { split: { on: 120% } }\n`, '"120%" is not a share'],
    ['shares whose order would be lost', `${FLAG}    default: { split: { "2": 50%, "1": 50% } }\n`, 'write the shares as a list'],
    ['a day that does not exist', 'flags:\n  a: { expires: 2027-02-31 }\n', '"2027-02-31" is not a day'],
    ['a bomb of anchors', `a: &a [${'x,'.repeat(60)}x]\nb: [${'*a,'.repeat(60)}*a]\n`, 'anchors are repeated more than 50 times'],
    ['an anchor in itself', 'flags: &a\n  b: *a\n', 'nested more than 20 deep (or an anchor contains itself)'],
    ['brackets without end', `flags: ${'['.repeat(5_000)}`, 'nested more than 20 deep, or brackets are not closed'],
    ['a large file', `flags:\n${'  # x\n'.repeat(200_000)}`, 'a file of flags has at most 1048576'],
    ['a huge file', Buffer.alloc(5 * 1024 * 1024, 'x'), 'has 5242880 bytes; a file of flags is a text that people review'],
    ['a list', '- a\n', 'the file must be a map of keys such as `flags: { ... }`'],
    ['nothing', '', 'the file is empty'],
    ['bytes that are no text', Buffer.from('flags:\n  \u00FF: {}\n', 'latin1'), 'flags/x.yaml:2:1\n  is not UTF-8 text'],
    ['UTF-16', Buffer.from('\uFEFFflags: {}', 'utf16le'), 'is not UTF-8 text'],
    ['a NUL', 'flags:\n  a\u0000: {}\n', 'a control character (code 0) is not text'],
    ['a tag', 'flags: !!js/function x\n', 'tags such as !name are not used here'],
  ])('are refused with their place for %s', async (_what, text, message) => {
    expect(await refusal({ 'x.yaml': text })).toContain(message);
  });

  it('tell all problems of all files at once', async () => {
    const message = await refusal({ 'a.yaml': 'flags: 1\n', 'b.yaml': '- x\n' });
    expect(message).toMatch(/flags\/a\.yaml:1:8[\s\S]*flags\/b\.yaml:1:1/);
  });

  it('take a byte order mark and a key that objects inherit', async () => {
    const { files } = await loadFlags(workspace({ 'a.yaml': `\uFEFF${FLAG.replace('release_a', 'constructor')}` }));
    expect(Object.keys(resolveFiles(files, 'prd', origins).set.flags)).toEqual(['constructor']);
  });
});
