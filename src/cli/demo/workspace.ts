import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SlipwayError } from '../../kernel/index.ts';

const run = promisify(execFile);
const SERVICE_KIT = fileURLToPath(new URL('../../../dist/demo/slipway-service.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../examples/shop', import.meta.url));

/** The shop in a git repository of its own, as a user would have it. */
export interface DemoWorkspace {
  readonly folder: string;
  /** Where users reach the shop. */
  readonly url: string;
  /** Copies an overlay (`versions/1.1.0`, `faults/slow`) over the source, without some files that were there, and commits it. */
  commit(overlay: string, message: string, without?: readonly string[]): Promise<void>;
  /** Takes the newest commit back, with one of its own. */
  revert(): Promise<void>;
}

/** Makes the workspace with 1.0.0 committed, in `folder` or in a new temporary one. */
export async function makeWorkspace(folder: string | null): Promise<DemoWorkspace> {
  const made = folder === null ? await mkdtemp(join(tmpdir(), 'slipway-demo-')) : folder;
  await mkdir(made, { recursive: true });
  const root = await realpath(made);
  await cp(join(EXAMPLE, 'base'), root, { recursive: true });
  const port = await freePort();
  await install(join(root, 'node_modules'));
  await writeFile(join(root, '.gitignore'), 'node_modules\n.slipway\n');
  const git = (...args: readonly string[]): Promise<unknown> =>
    run('git', ['-C', root, '-c', 'user.name=Demo', '-c', 'user.email=demo@localhost', ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  const commit: DemoWorkspace['commit'] = async (overlay, message, without = []) => {
    if (overlay !== 'base') await cp(join(EXAMPLE, overlay), root, { recursive: true });
    for (const file of without) await rm(join(root, file));
    const config = await readFile(join(root, 'slipway.yaml'), 'utf8');
    await writeFile(join(root, 'slipway.yaml'), config.replace(/^listen: .*$/m, `listen: 127.0.0.1:${port}`));
    await git('add', '--all');
    await git('commit', '--quiet', '--message', message);
  };
  await commit('base', 'feat: the shop');
  const revert = async (): Promise<void> => void (await git('revert', '--no-edit', 'HEAD'));
  return { folder: root, url: `http://127.0.0.1:${port}`, commit, revert };
}

/** The shop's dependencies, without a registry: a real project would have a build step for it. `pg` is Slipway's too, the service kit was packed with it. */
async function install(modules: string): Promise<void> {
  const kit = join(modules, '@slipway/service');
  await mkdir(kit, { recursive: true });
  await symlink(dirname(createRequire(import.meta.url).resolve('pg/package.json')), join(modules, 'pg'));
  await cp(SERVICE_KIT, join(kit, 'index.js'));
  await writeFile(join(kit, 'package.json'), JSON.stringify({ name: '@slipway/service', type: 'module', exports: './index.js' }));
}

/**
 * A port for the shop. The router takes it only when the first release is through, so it is none that an outgoing connection could get
 * meanwhile (Linux: 32768-60999), nor one that an agent could give to an instance (20000-31999).
 */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(10_000, 15_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer().once('error', () => resolve(false));
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new SlipwayError('port_in_use', 'No port between 10000 and 14999 is free');
}
