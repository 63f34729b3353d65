import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inProcess, scratch } from '../cli/support.ts';

const home = scratch();
afterAll(home.remove);
let count = 0;

async function importing(document: string, ...args: readonly string[]) {
  const folder = path.join(home.path, String(count++));
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'in.json'), document);
  return { folder, ...(await inProcess(['-C', folder, 'flag', 'import', 'in.json', '--from', 'flagd', '--owner', 'shop', ...args])) };
}

const DOCUMENT = JSON.stringify({
  flags: {
    newWelcome: {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'off',
      targeting: { if: [{ $ref: 'isStaff' }, 'on'] },
    },
    clock: {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'off',
      targeting: { if: [{ '>': [{ var: '$flagd.timestamp' }, 1] }, 'on'] },
    },
  },
  $evaluators: { isStaff: { ends_with: [{ var: 'email' }, '@example.com'] } },
});

describe('slipway flag import', () => {
  it('writes a file for each flag and segment, and names what was left out', async () => {
    const { folder, exit, out, err } = await importing(DOCUMENT, '--expires', '2099-03-31');
    expect({ exit, out }).toEqual({ exit: 6, out: 'Wrote 1 flag to 2 files below flags; 1 left out.\n' });
    expect(err).toContain('left out: clock asks for the time');
    expect(err).toContain('renamed: newWelcome is called release_new-welcome here');
    expect(readFileSync(path.join(folder, 'flags/release_new-welcome.yaml'), 'utf8')).toMatch(
      /^flags:\n  release_new-welcome:\n    type: release\n    owner: shop\n    created: .*\n    expires: 2099-03-31\n    rules:\n      - name: rule-1\n        when: \{ segment: is-staff \}\n        serve: on\n    salt: newWelcome\n$/,
    );
    expect(await inProcess(['-C', folder, 'flag', 'import', 'in.json', '--from', 'flagd', '--owner', 'shop'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('is declared in flags/release_new-welcome.yaml already'),
    });
  });

  it('of what is declared already imports only what is new, when that is asked for, and says what is otherwise there', async () => {
    const on = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' };
    const staff = (how: string) => ({ isStaff: { [how]: [{ var: 'email' }, '@example.com'] } });
    const ask = { if: [{ $ref: 'isStaff' }, 'on', 'off'] };
    const both = { same: on, other: on, gone: { ...on, targeting: ask } };
    const { folder } = await importing(JSON.stringify({ flags: both, $evaluators: staff('ends_with') }));
    const read = (name: string): string => readFileSync(path.join(folder, 'flags', `${name}.yaml`), 'utf8');
    const before = ['release_same', 'release_other', 'is-staff'].map(read);
    writeFileSync(
      path.join(folder, 'flags/release_other.yaml'),
      `${read('release_other')}    environments:\n      prd: { enabled: false }\n`,
    );
    const more = { ...both, other: { ...on, state: 'DISABLED' }, fresh: { ...on, targeting: ask } };
    writeFileSync(path.join(folder, 'in.json'), JSON.stringify({ flags: more, $evaluators: staff('starts_with') }));
    const again = (...args: readonly string[]) =>
      inProcess(['-C', folder, 'flag', 'import', 'in.json', '--from', 'flagd', '--owner', 'shop', ...args]);
    const told = [
      'release_same is declared in flags/release_same.yaml already, and says the same',
      'release_other is declared in flags/release_other.yaml already, and is otherwise there: enabled, environments',
      'the segment is-staff is declared in flags/is-staff.yaml already, and is otherwise there: when',
    ];
    const refused = await again();
    expect(refused).toMatchObject({ exit: 2, out: '', err: expect.stringContaining('--only-new imports the rest') });
    for (const one of told) expect(refused.err).toContain(one);
    expect(() => read('release_fresh')).toThrow('ENOENT');
    const left = await again('--only-new');
    expect(left).toMatchObject({
      exit: 0,
      out: 'Wrote 1 flag to 1 file below flags; 0 left out; 4 declared already, which stay as they are.\n',
    });
    for (const one of told) expect(left.err).toContain(`left as it is: ${one}`);
    expect(left.err).toContain('differs: release_fresh asks for the segment is-staff, which is otherwise in the files');
    expect([read('release_same'), read('is-staff')]).toEqual([before[0], before[2]]);
    expect(read('release_fresh')).toContain('segment: is-staff');
    const none = JSON.parse((await again('--only-new', '--json')).out) as { readonly files: unknown; readonly left: readonly object[] };
    expect([none.files, none.left]).toEqual([
      [],
      expect.arrayContaining([{ kind: 'segment', key: 'is-staff', file: 'flags/is-staff.yaml', differs: ['when'] }]),
    ]);
  });

  it('with --only-new writes no segment that nothing new asks for, and refuses what would not fit what is there', async () => {
    const on = {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'on',
      targeting: { if: [{ $ref: 'isStaff' }, 'on'] },
    };
    const document = JSON.stringify({ flags: { known: on }, $evaluators: { isStaff: { ends_with: [{ var: 'email' }, '@example.com'] } } });
    const { folder } = await importing(document);
    rmSync(path.join(folder, 'flags/is-staff.yaml'));
    const again = await inProcess(['-C', folder, 'flag', 'import', 'in.json', '--from', 'flagd', '--owner', 'shop', '--only-new']);
    expect(again).toMatchObject({ exit: 0, out: expect.stringContaining('Wrote 0 flags to 0 files') });
    expect(existsSync(path.join(folder, 'flags/is-staff.yaml'))).toBe(false);
  });

  it('writes nothing on a dry run', async () => {
    const { folder, out } = await importing(DOCUMENT, '--dry-run');
    expect(out).toContain('Would write 1 flag');
    expect(() => readFileSync(path.join(folder, 'flags/release_new-welcome.yaml'))).toThrow('ENOENT');
  });

  it.each([
    ['', 'is not JSON'],
    ['[]', 'is no document of flagd'],
    ['{"flags":[]}', 'is no document of flagd'],
    ['{"flags":{"a":', 'is not JSON'],
  ])('refuses %j', async (document, message) => {
    expect(await importing(document)).toMatchObject({ exit: 2, err: expect.stringContaining(message) });
  });
});
