import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { GroupSpec } from '../../targets/index.ts';
import { groupOf } from './group.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-group-')));
const [home, workspace] = [join(root, 'home'), join(root, 'workspace')];
const directory = join(home, 'artifacts/shop/1.0.0');
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, 'committed.env'), 'A=1\n');
afterAll(() => rmSync(root, { recursive: true }));

const spec = (envFile: string | null): GroupSpec => ({
  id: 'shop/dev/blue',
  service: 'shop',
  environment: 'dev',
  version: '1.0.0',
  release: 'r',
  directory: 'artifacts/shop/1.0.0',
  processes: [],
  envFile,
});

describe('groupOf', () => {
  it('names the artifact in the state directory', () => expect(groupOf(home, workspace, spec(null))).toEqual({ ...spec(null), directory }));

  it("takes a committed variables file from the version's artifact", () =>
    expect(groupOf(home, workspace, spec('committed.env'))).toMatchObject({ directory, envFile: 'committed.env' }));

  it('takes one that git ignores from the workspace', () =>
    expect(groupOf(home, workspace, spec('.env'))).toMatchObject({ directory, envFile: join(workspace, '.env') }));

  it('leaves an absolute one where it is', () =>
    expect(groupOf(home, workspace, spec('/etc/shop.env'))).toMatchObject({ envFile: '/etc/shop.env' }));
});
