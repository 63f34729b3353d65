import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { editFlags, loadFlags, writeFlags } from '../../src/config/index.ts';
import { editsFor, resolveFiles, writeFlag, writeSegment, type Flag, type FlagSet, type FlagStore } from '../../src/flags/index.ts';
import { fileDifferences } from '../../src/flags/core/files/diff.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { inProcess, scratch } from '../cli/support.ts';
import { LEASE } from '../store/support.ts';
import { endStore, placeStore } from '../support/place-store.ts';
import { flagSets } from '../support/flags.ts';

const home = scratch();
let count = 0;
const origins = { createdAt: () => '2026-11-30T00:00:00.000Z' };

function folderWith(text: string | null): string {
  const folder = path.join(home.path, `w${count++}`);
  mkdirSync(path.join(folder, 'flags'), { recursive: true });
  if (text !== null) writeFileSync(path.join(folder, 'flags/a.yaml'), text);
  return folder;
}

function textOf({ flags, segments }: FlagSet): string {
  return stringify({
    flags: Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, writeFlag(key, flag)])),
    segments: Object.fromEntries(Object.entries(segments).map(([key, segment]) => [key, writeSegment(segment)])),
  });
}

/** The set with a difference made. */
function applied(set: FlagSet, other: FlagSet): FlagSet {
  const flags: Record<string, Flag> = { ...set.flags };
  const segments = { ...set.segments };
  for (const one of fileDifferences(set, other)) {
    if (one.kind === 'flag' && one.files !== null) flags[one.key] = one.files;
    else if (one.kind === 'flag') delete flags[one.key];
    else if (one.files === null) delete segments[one.key];
    else segments[one.key] = one.files;
  }
  return { ...set, flags, segments };
}

describe('the difference of files and server', () => {
  it('is just what makes one the other, and then there is none', () => {
    fc.assert(
      fc.property(flagSets(), flagSets(), (server, files) => {
        const after = applied(server, files);
        expect(after).toEqual(files);
        expect(fileDifferences(after, files)).toEqual([]);
        for (const one of fileDifferences(server, files)) if (one.server !== null && one.files !== null) expect(one.fields).not.toEqual([]);
      }),
    );
  });
});

describe('a pull', () => {
  it('makes the files say what the server says, in one environment alone', async () => {
    await fc.assert(
      fc.asyncProperty(flagSets(), flagSets(), async (files, server) => {
        const folder = folderWith(textOf(files));
        const before = await loadFlags(folder);
        const taken = fileDifferences(server, resolveFiles(before.files, 'prd', origins).set).map((difference) => ({
          difference,
          known: null,
        }));
        await writeFlags(folder, editFlags(before, editsFor(taken, before.files, 'prd', origins)));
        const after = await loadFlags(folder);
        expect(resolveFiles(after.files, 'prd', origins)).toEqual({ set: server, gaps: [] });
        const elsewhere = resolveFiles(after.files, 'dev', origins).set;
        expect(elsewhere).toEqual({ ...files, environment: 'dev', seq: elsewhere.seq });
        // And back again, over what the environment says by now.
        const again = fileDifferences(files, resolveFiles(after.files, 'prd', origins).set).map((difference) => ({
          difference,
          known: null,
        }));
        await writeFlags(folder, editFlags(after, editsFor(again, after.files, 'prd', origins)));
        expect(resolveFiles((await loadFlags(folder)).files, 'prd', origins).set).toEqual(files);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps comments and order, and does not reach through an anchor', async () => {
    const text =
      '# ours\nflags:\n  # second\n  release_b:\n    type: release\n    owner: team\n    expires: 2027-03-31\n  ops_a: { type: ops, owner: sre }\n';
    const loaded = await loadFlags(folderWith(text));
    const edited = editFlags(loaded, [
      { kind: 'flag', key: 'release_b', environment: 'prd', write: { enabled: false } },
      { kind: 'flag', key: 'ops_a', environment: 'prd', write: 'absent' },
    ]);
    expect(edited.get('flags/a.yaml')).toBe(
      '# ours\nflags:\n  # second\n  release_b:\n    type: release\n    owner: team\n    expires: 2027-03-31\n    environments:\n      prd:\n        enabled: false\n  ops_a: { type: ops, owner: sre, environments: { prd: absent } }\n',
    );
    const anchored = await loadFlags(
      folderWith(
        'flags:\n  ops_a: { type: ops, owner: sre, environments: { dev: &x { enabled: false }, prd: *x } }\n  ops_b: { type: ops, owner: sre, environments: { prd: { enabled: true } } }\n',
      ),
    );
    expect(() => editFlags(anchored, [{ kind: 'flag', key: 'ops_a', environment: 'prd', write: null }])).toThrow(
      'is an anchor used elsewhere',
    );
  });
});

const FILE = `flags:
  release_a:
    type: release
    owner: team
    expires: 2027-03-31
    default: { split: { on: 10%, off: 90% } }
segments:
  staff:
    when: { attribute: email, endsWith: "@example.com" }
`;

describe('against a store', () => {
  let opened: OpenStore;
  const env = { SLIPWAY_HOME: path.join(home.path, 'home'), SLIPWAY_NODE: 'here:flags', SLIPWAY_ACTOR: 'ann' };
  beforeAll(async () => {
    await placeStore(env.SLIPWAY_HOME);
    opened = await openStore({ home: env.SLIPWAY_HOME, node: env.SLIPWAY_NODE, clock: systemClock, lease: LEASE });
  });
  afterAll(async () => {
    const { embedded } = opened;
    await opened.close();
    await endStore(embedded);
    home.remove();
  });
  const store = (): FlagStore => opened.flags;
  const slipway = async (folder: string, ...args: readonly string[]) => inProcess(['-C', folder, 'flag', ...args], env);
  const json = async (folder: string, ...args: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await slipway(folder, ...args, '--json')).out) as Record<string, unknown>;
  const kill = async (environment: string, key: string): Promise<void> => {
    const { set, flagRevisions } = await store().read(environment);
    const after = { ...(set.flags[key] as Flag), enabled: false };
    await store().commit({
      environment,
      actor: 'bob',
      reason: 'errors at night',
      action: 'kill',
      acknowledge: false,
      writes: [{ kind: 'flag', key, revision: flagRevisions.get(key) ?? null, after }],
    });
  };

  it('an apply writes the difference as one change, once', async () => {
    const folder = folderWith(FILE);
    expect(await slipway(folder, 'diff', '-e', 'e1')).toMatchObject({
      exit: 6,
      out: expect.stringContaining('+ release_a  flags/a.yaml:2'),
    });
    expect(await slipway(folder, 'apply', '-e', 'e1')).toMatchObject({ exit: 2, err: expect.stringContaining('An apply needs a reason') });
    expect(await json(folder, 'apply', '-e', 'e1', '--dry-run')).toMatchObject({
      seq: null,
      applied: [{ kind: 'segment' }, { key: 'release_a', change: 'add' }],
    });
    expect((await store().read('e1')).set.seq).toBe(0);
    expect(await slipway(folder, 'apply', '-e', 'e1', '--reason', 'first')).toMatchObject({
      exit: 0,
      out: 'Wrote 2 differences to e1, as change 1.\n',
    });
    expect(await store().history('e1', { limit: 9 })).toMatchObject([
      { seq: 1, actor: 'ann', reason: 'first', action: 'import', writes: [{}, {}] },
    ]);
    expect(await slipway(folder, 'apply', '-e', 'e1', '--reason', 'again')).toMatchObject({
      exit: 0,
      out: 'There is nothing to write in e1.\n',
    });
    expect(await slipway(folder, 'diff', '-e', 'e1')).toMatchObject({ exit: 0, out: 'The files and e1 say the same.\n' });
    writeFileSync(path.join(folder, 'flags/a.yaml'), FILE.replace('10%, off: 90%', '50%, off: 50%').replace(/segments[\s\S]*/, ''));
    const { out } = await slipway(folder, 'diff', '-e', 'e1');
    expect(out).toContain('- segment staff  in no file');
    expect(out).toContain('    default: { split: { on: 10%, off: 90% } } -> { split: { on: 50%, off: 50% } }');
    expect(await slipway(folder, 'apply', '-e', 'e1', '--reason', 'ramp')).toMatchObject({ exit: 0 });
    expect((await store().read('e1')).set).toMatchObject({
      segments: {},
      flags: { release_a: { default: { weights: [{ weight: 50_000 }, {}] } } },
    });
  });

  it('an apply undoes no kill: it is refused until the kill is in the files, or given up by name', async () => {
    const folder = folderWith(FILE);
    await slipway(folder, 'apply', '-e', 'e2', '--reason', 'first');
    await kill('e2', 'release_a');
    writeFileSync(path.join(folder, 'flags/a.yaml'), FILE.replace('10%, off: 90%', '50%, off: 50%'));
    const refused = await slipway(folder, 'apply', '-e', 'e2', '--reason', 'ramp');
    expect(refused).toMatchObject({ exit: 5, err: expect.stringContaining('Changed in e2 since the files had it: release_a') });
    expect(refused.err).toContain('changed on the server: kill by bob');
    expect(await slipway(folder, 'apply', '-e', 'e2', '--dry-run')).toMatchObject({ exit: 5 });
    expect((await store().read('e2')).set.seq).toBe(2);
    const pulled = await slipway(folder, 'pull', '-e', 'e2');
    expect(pulled).toMatchObject({ exit: 0, out: 'Wrote flags/a.yaml.\n' });
    expect(pulled.err).toMatch(/ enabled: true -> false\n[^]*; in the files: 0 to add, 1 to change, 0 to remove/);
    expect(readFileSync(path.join(folder, 'flags/a.yaml'), 'utf8')).toBe(
      FILE.replace('10%, off: 90%', '50%, off: 50%').replace(
        'segments:',
        '    environments:\n      e2:\n        enabled: false\nsegments:',
      ),
    );
    expect(readFileSync(path.join(folder, 'flags/pulled.json'), 'utf8')).toBe('{\n  "e2": 2\n}\n');
    expect(await slipway(folder, 'apply', '-e', 'e2', '--reason', 'ramp')).toMatchObject({ exit: 0 });
    expect((await store().read('e2')).set.flags['release_a']).toMatchObject({
      enabled: false,
      default: { weights: [{ weight: 50_000 }, {}] },
    });
    await kill('e2', 'release_a');
    writeFileSync(path.join(folder, 'flags/a.yaml'), FILE);
    for (const more of [
      ['--overwrite', 'release_a'],
      ['--overwrite', 'release_a', '--dry-run'],
    ])
      expect(await slipway(folder, 'apply', '-e', 'e2', '--reason', 'back', ...more)).toMatchObject({
        exit: 4,
        err: expect.stringMatching(/release_a was killed by bob.*errors at night\n.*unkill/),
      });
    // What else was changed since may be given up, with the flag off as it is.
    writeFileSync(path.join(folder, 'flags/a.yaml'), FILE.replace('    default:', '    enabled: false\n    default:'));
    expect(await slipway(folder, 'apply', '-e', 'e2', '--reason', 'back', '--overwrite', 'release_a')).toMatchObject({ exit: 0 });
    expect((await store().read('e2')).set.flags['release_a']).toMatchObject({
      enabled: false,
      default: { weights: [{ weight: 10_000 }, {}] },
    });
    // A pull or an apply that has the kill is not the end of it either.
    writeFileSync(path.join(folder, 'flags/a.yaml'), FILE);
    expect(await slipway(folder, 'apply', '-e', 'e2', '--reason', 'on')).toMatchObject({ exit: 4 });
    await slipway(folder, 'unkill', 'release_a', '-e', 'e2', '--reason', 'repaired');
    expect((await store().read('e2')).set.flags['release_a']).toMatchObject({ enabled: true });
    expect(await slipway(folder, 'apply', '-e', 'e2', '--reason', 'x', '--overwrite', 'release_a')).toMatchObject({ exit: 2 });
  });

  it('flags that never were in the files are left alone, and pulled into a file each', async () => {
    const folder = folderWith(null);
    expect(await inProcess(['flag', 'create', 'ops_x', '--type', 'ops', '--owner', 'sre', '-e', 'e3'], env)).toMatchObject({ exit: 0 });
    expect(await json(folder, 'apply', '-e', 'e3', '--reason', 'x')).toMatchObject({
      seq: null,
      applied: [],
      left: [{ kind: 'flag', key: 'ops_x' }],
    });
    expect(await slipway(folder, 'diff', '-e', 'e3')).toMatchObject({
      exit: 0,
      out: 'There is nothing to write in e3. Left as they are, since the files never had them: ops_x.\n',
    });
    expect(await json(folder, 'diff', '-e', 'e3')).toMatchObject({ differences: [], left: [{ kind: 'flag', key: 'ops_x' }] });
    expect(await slipway(folder, 'pull', '-e', 'e3', '--dry-run')).toMatchObject({ exit: 0, out: 'Would write flags/ops_x.yaml.\n' });
    expect(await slipway(folder, 'pull', '-e', 'e3')).toMatchObject({ exit: 0, err: expect.stringContaining('in the files: 1 to add') });
    expect(readFileSync(path.join(folder, 'flags/ops_x.yaml'), 'utf8')).toMatch(
      /^flags:\n  ops_x:\n    environments:\n      e3:\n        type: ops\n        owner: sre\n        created: .*Z\n        enabled: false\n        default: on\n$/,
    );
    expect(await slipway(folder, 'diff', '-e', 'e3')).toMatchObject({ exit: 0 });
    expect(await slipway(folder, 'diff', '-e', 'e3-other')).toMatchObject({ exit: 0, out: 'The files and e3-other say the same.\n' });
    await slipway(folder, 'on', 'ops_x', '-e', 'e3');
    expect(await slipway(folder, 'pull', '-e', 'e3')).toMatchObject({ exit: 0 });
    expect(readFileSync(path.join(folder, 'flags/ops_x.yaml'), 'utf8')).toMatch(
      /^flags:\n  ops_x:\n    environments:\n      e3:\n        type: ops\n        owner: sre\n        created: .*Z\n        default: on\n$/,
    );
    expect(await json(folder, 'pull', '-e', 'e3')).toMatchObject({ files: [], pulled: [], ahead: [] });
    // Taken out of the files, it is removed: the files had it.
    writeFileSync(path.join(folder, 'flags/ops_x.yaml'), 'flags: {}\n');
    expect(await json(folder, 'apply', '-e', 'e3', '--reason', 'gone')).toMatchObject({ applied: [{ key: 'ops_x', change: 'remove' }] });
    expect((await store().read('e3')).set.flags).toEqual({});
  });

  it('what is wrong in one environment is told with its place, and nothing is written', async () => {
    const wrong = FILE.replace('staff:', 'staf:').replace(
      '    default:',
      '    rules: [{ when: { segment: staff }, serve: on }]\n    environments: { e4: { default: nobody } }\n    default:',
    );
    const refused = await slipway(folderWith(wrong), 'apply', '-e', 'e4', '--reason', 'x');
    expect(refused).toMatchObject({
      exit: 2,
      err: expect.stringMatching(
        /flags\/a\.yaml:6:\d+ {2}release_a\.rules\[0\]\.when.*staff[\s\S]*flags\/a\.yaml:7:\d+ {2}release_a\.default.*nobody/,
      ),
    });
    const noExpiry = await slipway(folderWith(FILE.replace(/ +expires.*\n/, '')), 'diff', '-e', 'e4');
    expect(noExpiry).toMatchObject({
      exit: 2,
      err: expect.stringContaining('flags/a.yaml:2:3  release_a.expires is missing: say until when'),
    });
    expect((await store().read('e4')).set.seq).toBe(0);
  });

  it('files that were pulled from another server are not compared with this one', async () => {
    const folder = folderWith(FILE);
    writeFileSync(path.join(folder, 'flags/pulled.json'), '{"e5": 7}');
    expect(await slipway(folder, 'diff', '-e', 'e5')).toMatchObject({
      exit: 5,
      err: expect.stringContaining('pulled from e5 at change 7, and this server is at 0'),
    });
    writeFileSync(path.join(folder, 'flags/pulled.json'), '<<<<<<< ours\n{}');
    expect(await slipway(folder, 'diff', '-e', 'e5')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('is not what `slipway flag pull` writes'),
    });
  });
});
