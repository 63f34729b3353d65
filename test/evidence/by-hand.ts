import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Everything docs/verify-evidence.md may call; nothing else is on its PATH. */
export const POSIX = [
  'sh',
  'od',
  'tr',
  'mktemp',
  'rm',
  'find',
  'cut',
  'sort',
  'cmp',
  'wc',
  'cat',
  'sed',
  'tail',
  'head',
  'cp',
  'mv',
  'grep',
];
export const TOOLS = [...POSIX, 'sha256sum', 'openssl', 'jq'];

/** The full path of a tool; null when it is not installed. */
export function whereIs(tool: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return join(folder, tool);
    } catch {
      continue;
    }
  }
  return null;
}

/** A folder with these tools and no others, to be a PATH. */
export async function toolbox(directory: string, names: readonly string[]): Promise<string> {
  await mkdir(directory);
  for (const name of names) {
    const path = whereIs(name);
    if (path === null) throw new Error(`${name} is needed for this test`);
    await symlink(path, join(directory, name));
  }
  return directory;
}

/** Runs the code blocks of the page, as they stand, in one shell. */
export async function verifyByHand(
  pack: string,
  pin: string,
  tools: string,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const page = await readFile(join(import.meta.dirname, '../../docs/verify-evidence.md'), 'utf8');
  const script = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('\n');
  return new Promise((done) => {
    const env = { PATH: tools, PACK: pack, PIN: pin, TMPDIR: tmpdir(), LC_ALL: 'C' };
    const child = execFile('/bin/sh', ['-s'], { env }, (error, out, err) =>
      done({ code: error === null ? 0 : Number(error.code), out, err }),
    );
    child.stdin?.end(script);
  });
}
