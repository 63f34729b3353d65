import { existsSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { userInfo } from 'node:os';
import { SlipwayError, systemClock } from '../../../kernel/index.ts';
import type { LoadedConfig } from '../../../config/index.ts';
import type { App, AppOptions } from '../../compose.ts';
import { createLog, levelFrom } from '../../output/log.ts';
import { text, type Call } from '../spec.ts';

/** The rooms of the configuration and of everything else are loaded by who needs them: a linter starts in a third of the time without. */
const room = () => import('../../../config/index.ts');

/** Opens everything, hands it to `use`, and closes it again whatever happens. Makes the state directory, or refuses. */
export async function withApp<T>(call: Call, use: (app: App) => Promise<T>): Promise<T> {
  await refuseStrangeFolder(call);
  return openedApp(call, use);
}

/** The same for what goes by slipway.yaml: a mistake in it is told before a store is opened, which takes seconds, or made. */
export async function withConfig<T>(call: Call, use: (app: App, config: LoadedConfig) => Promise<T>): Promise<T> {
  await refuseStrangeFolder(call);
  const config = await configOf(call);
  return openedApp(call, (app) => use(app, config));
}

/**
 * The same for what needs the store alone: it looks at releases, or says what is wished of them. Where the store is on a server, no state
 * directory is made or needed.
 */
export async function withStore<T>(call: Call, use: (app: App) => Promise<T>): Promise<T> {
  await refuseStrangeFolder(call);
  return openedApp(call, use, { lazyHome: true });
}

const QUICK = { hurries: true, lazyHome: true } as const;

/** The same for what somebody waits for, and is quick: a store that is not there is told at once, and one that is silent within seconds. */
export async function withAppNow<T>(call: Call, use: (app: App) => Promise<T>): Promise<T> {
  await refuseStrangeFolder(call);
  return openedApp(call, use, QUICK);
}

/** The same for what people make first: where there is no store one is made, and said so. */
export async function withNewApp<T>(call: Call, use: (app: App) => Promise<T>): Promise<T> {
  refuseNoFolder(call);
  const strange = await isStrange(call);
  const told = (app: App): Promise<T> => {
    const note = `there was no store here; it is in ${app.places.home} from now on. SLIPWAY_DATABASE_URL names one that servers share.`;
    if (strange) call.terminal.note(`note: ${note}`);
    return use(app);
  };
  return openedApp(call, told, QUICK);
}

async function openedApp<T>(call: Call, use: (app: App) => Promise<T>, how: Pick<AppOptions, 'hurries' | 'lazyHome'> = {}): Promise<T> {
  const { openApp } = await import('../../compose.ts');
  const { directory, environment, secrets } = call;
  const log = createLog({
    clock: systemClock,
    redact: secrets.redact,
    level: levelFrom(environment['SLIPWAY_LOG'], null),
    write: (line) => void process.stderr.write(line),
  });
  const app = await openApp({ workspace: directory, environment, log, secrets, ...how });
  try {
    return await use(app);
  } finally {
    await app.close();
  }
}

/** Opening makes a state directory with a database; that must not happen in whatever folder somebody stands. */
export async function refuseStrangeFolder(where: Where): Promise<void> {
  refuseNoFolder(where);
  if (!(await isStrange(where))) return;
  const { CONFIG_FILE } = await room();
  throw new SlipwayError('config_missing', `There is no ${CONFIG_FILE} in ${where.directory}, and nothing was released from there`, {
    hint: 'Run `slipway init` there, or pass -C FOLDER. For flags alone, `slipway flag create` makes a store; SLIPWAY_HOME or SLIPWAY_DATABASE_URL name one that is elsewhere.',
  });
}

type Where = Pick<Call, 'directory' | 'config' | 'environment'>;

function refuseNoFolder({ directory }: Where): void {
  if (!mayBeFolder(directory))
    throw new SlipwayError('usage', `${directory} is not a folder`, { hint: 'Correct -C, or leave it out to work in the current folder.' });
}

/** One that this user may not look at may be one: whoever became another user stands in such a folder, and may need nothing from it. */
function mayBeFolder(directory: string): boolean {
  try {
    return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return true;
    throw error;
  }
}

/** Nothing of Slipway is here, and nothing says where it is. */
async function isStrange({ directory, config, environment }: Where): Promise<boolean> {
  const known = config !== null || environment['SLIPWAY_HOME'] !== undefined || environment['SLIPWAY_DATABASE_URL'] !== undefined;
  if (known) return false;
  const { CONFIG_FILE } = await room();
  return !existsSync(join(directory, CONFIG_FILE)) && !existsSync(join(directory, '.slipway'));
}

/** The configuration of the workspace for the chosen environment. */
export async function configOf(call: Call): Promise<LoadedConfig> {
  const { CONFIG_FILE, loadConfig, loadSet } = await room();
  try {
    return await loadConfig(call.config ?? call.directory, text(call, 'env'));
  } catch (error) {
    const set = call.config === null ? await loadSet(call.directory) : null;
    if (set === null) throw error;
    const folders = set.folders.map((folder) => relative(call.directory, folder));
    throw new SlipwayError('usage', `${CONFIG_FILE} here declares the set ${set.name}, and this command is about one service`, {
      hint: `Use -C with one of its folders (${folders.join(', ')}), or name a release.`,
    });
  }
}

/** Who asks. A CI job has no name of its own, so it may give one. */
export function actorOf(environment: Call['environment']): string {
  const given = environment['SLIPWAY_ACTOR']?.trim() ?? '';
  if (given !== '') return given;
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user id that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
