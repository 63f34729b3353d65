import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
