import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, SlipwayError, systemClock } from '../../kernel/index.ts';
import { processExists } from '../process.ts';
import { serverEnvironment, type Launch } from './launch.ts';
import { readFailure } from './failures.ts';

/** The database superuser; it can only be reached through the socket folder, which is closed to other users. */
export const SUPERUSER = 'slipway';

const PREFIX = 'pg.init-';

/**
 * Creates the data folder. It is made under another name and renamed when complete, so a killed `initdb` never looks like
 * a store. Of several processes one does the work and the others wait; should two, one's is thrown away.
 * @throws SlipwayError `disk_full`, `platform_unsupported`, `state_corrupt`
 */
export async function initialise(launch: Launch, dataDirectory: string): Promise<void> {
  const parent = dirname(dataDirectory);
  removeAbandoned(parent);
  const draft = join(parent, `${PREFIX}${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(draft, { mode: 0o700 });
  try {
    if (launch.identity.credentials !== null) chownSync(draft, launch.identity.credentials.uid, launch.identity.credentials.gid);
    while (!existsSync(dataDirectory) && leadingDraft(parent) !== basename(draft)) {
      await systemClock.sleep(20);
      removeAbandoned(parent);
    }
    if (existsSync(dataDirectory)) return;
    await runInitdb(launch, draft, dataDirectory);
    renameSync(draft, dataDirectory);
  } catch (error) {
    if (!existsSync(join(dataDirectory, 'PG_VERSION'))) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** The draft that goes on: one that is being filled, else the first by name. */
function leadingDraft(parent: string): string | undefined {
  const drafts = readdirSync(parent).filter((name) => name.startsWith(PREFIX));
  return drafts.find((name) => existsSync(join(parent, name, 'PG_VERSION'))) ?? drafts.toSorted()[0];
}

/** Drafts of processes that died half-way. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const pid = Number(name.slice(PREFIX.length).split('-')[0]);
    if (pid !== process.pid && !processExists(pid)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

async function runInitdb(launch: Launch, draft: string, dataDirectory: string): Promise<void> {
  const { identity, binaries } = launch;
  // C.UTF-8 from PostgreSQL's own provider: the same order on every machine and libc.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const [command = '', ...args] = [
    ...identity.prefix,
    binaries.initdb,
    '-D',
    draft,
    '-U',
    SUPERUSER,
    '-A',
    'trust',
    '--no-instructions',
    ...locale,
  ];
  const output = await new Promise<{ readonly code: number | null; readonly text: string }>((resolve) => {
    let text = '';
    const child = spawn(command, args, {
      cwd: dirname(draft),
      env: serverEnvironment(binaries),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...identity.credentials,
    });
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.once('error', (error) => resolve({ code: null, text: messageOf(error) }));
    child.once('close', (code) => resolve({ code, text }));
  });
  if (output.code === 0) return;
  const failure = readFailure('creating the store', output.text, dataDirectory);
  throw failure.kind === 'refused' ? failure.error : new SlipwayError('store_unreachable', `initdb failed: ${output.text}`);
}
