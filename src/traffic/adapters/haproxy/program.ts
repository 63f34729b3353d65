import { execFile } from 'node:child_process';
import { SlipwayError } from '../../../kernel/index.ts';

/** The first version with runtime servers that are checked. */
const OLDEST = [2, 6] as const;
const INSTALL = 'Install it (Debian, Ubuntu: apt-get install haproxy), or use the embedded router: slipway agent start --router embedded.';

/** Runs it to its end; a missing program is an answer. */
function run(
  program: string,
  args: readonly string[],
  cwd?: string,
): Promise<{ readonly ok: boolean; readonly output: string; readonly missing: boolean }> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: 10_000, cwd }, (error, stdout, stderr) => {
      resolve({ ok: error === null, output: `${stdout}\n${stderr}`, missing: error !== null && error.code === 'ENOENT' });
    });
  });
}

/**
 * Makes sure that HAProxy is there and can do what we need of it.
 * @throws SlipwayError `client_tool_missing`
 */
export async function checkProgram(program: string): Promise<void> {
  const { ok, output, missing } = await run(program, ['-vv']);
  if (missing || !ok) throw new SlipwayError('client_tool_missing', `HAProxy (${program}) is not installed here`, { hint: INSTALL });
  const [, major = '0', minor = '0'] = /HAProxy version (\d+)\.(\d+)/.exec(output) ?? [];
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]))
    throw new SlipwayError('client_tool_missing', `HAProxy ${major}.${minor} is too old; the router needs ${OLDEST.join('.')}`, {
      hint: INSTALL,
    });
  if (!/\+LUA\b|USE_LUA=1/.test(output))
    throw new SlipwayError('client_tool_missing', 'This HAProxy was built without Lua, which the router needs', { hint: INSTALL });
}

/** Has HAProxy read a configuration without using it; null when it is fine, else what it says. */
export async function checkConfig(program: string, file: string, cwd: string): Promise<string | null> {
  const { ok, output } = await run(program, ['-c', '-f', file], cwd);
  return ok ? null : alertsIn(output);
}

/** What HAProxy complains about, without its prefixes. */
export function alertsIn(output: string): string {
  const alerts = output.split('\n').filter((line) => line.includes('[ALERT]'));
  return alerts.map((line) => line.replace(/^\[ALERT\]\s*\(\d+\)\s*:\s*/, '')).join('; ') || output.trim().slice(-500);
}
