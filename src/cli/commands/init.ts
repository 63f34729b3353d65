import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { CONFIG_FILE, suggestConfig, type Detection } from '../../config/index.ts';
import { flag, type Handler } from './spec.ts';

/** Writes a slipway.yaml from what a look at the project tells; never over one that is there. */
export const run: Handler = async (call) => {
  const { directory, terminal } = call;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new SlipwayError('usage', `${directory} is not a folder`, { hint: 'Correct -C, or leave it out to work in the current folder.' });
  const file = call.config ?? join(directory, CONFIG_FILE);
  const { detection, text } = await suggestConfig(directory);
  if (flag(call, 'print')) {
    if (terminal.json) terminal.data({ file: null, text, detection });
    else terminal.raw(text);
    return 0;
  }
  write(file, text, flag(call, 'force'));
  const ignored = detection.git && ignoreStateDirectory(directory);
  if (terminal.json) terminal.data({ file, text, detection });
  else terminal.say(told(relative(process.cwd(), file) || file, detection, ignored));
  return 0;
};

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new SlipwayError('not_possible_now', `${file} is there already`, {
        hint: 'Look at what would be written with --print, or replace it with --force.',
      });
    throw new SlipwayError('usage', `${file} cannot be written (${code ?? 'no reason given'})`, {
      cause: error,
      hint: 'Check the folder and its permissions, or use --print.',
    });
  }
}

/** The state directory holds keys and data of this machine; it is nobody's source. True when the line was added. */
function ignoreStateDirectory(directory: string): boolean {
  const file = join(directory, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (before.split(/\r?\n/).some((line) => /^\/?\.slipway\/?$/.test(line.trim()))) return false;
  writeFileSync(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}.slipway/\n`);
  return true;
}

function told(file: string, detection: Detection, ignored: boolean): string {
  const processes = detection.processes.map((one) => `  process   ${one.name}: ${one.run} (from ${one.from})`);
  const database =
    detection.database === null
      ? 'none found'
      : `\${env:${detection.database.variable}}, migrations: ${detection.database.migrations ?? detection.database.migrate ?? 'not found'}`;
  const command = (found: string | readonly string[] | null): string =>
    found === null ? 'none found' : typeof found === 'string' ? found : found.join(' ');
  return [
    `Wrote ${file}${ignored ? ' and added .slipway/ to .gitignore' : ''}.`,
    '',
    'Detected:',
    `  service   ${detection.service}, users reach it on port ${detection.listen}`,
    ...processes,
    `  database  ${database}`,
    `  build     ${command(detection.build)}`,
    `  test      ${command(detection.test)}`,
    ...(detection.unknowns.length === 0
      ? []
      : ['', 'Please check, because it could not be determined:', ...detection.unknowns.map((unknown) => `  ? ${unknown}`)]),
    '',
    'Next: read the file, then `slipway plan` shows what a release would do, and `slipway release` does it.',
  ].join('\n');
}
