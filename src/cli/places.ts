import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { placeRefusal, realPathOf } from '../kernel/index.ts';
import { refuseForeignStore } from '../store/index.ts';

/** Where this installation works. */
export interface Places {
  /** Folder of the service's source. */
  readonly workspace: string;
  /** Slipway's state directory, absolute and without links. */
  readonly home: string;
  /** Workers of this name can reach the workspace and the state directory. */
  readonly node: string;
}

/** How far above a service its set is looked for. */
const LEVELS = 3;

/** The folder whose slipway.yaml declares a set with this service, and from which it was released before; null for a service alone. */
function setOf(folder: string): string | null {
  if (existsSync(join(folder, '.slipway'))) return null;
  for (let [above, level] = [dirname(folder), 0]; level < LEVELS && above !== dirname(above); level++, above = dirname(above)) {
    const file = join(above, 'slipway.yaml');
    if (!existsSync(join(above, '.slipway')) || !existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    const names = new Set(text.split(/[\s,[\]"']+/).map((name) => name.replace(/^\.\//, '').replace(/\/$/, '')));
    if (/^services:/m.test(text) && names.has(relative(above, folder))) return above;
  }
  return null;
}

/**
 * `SLIPWAY_HOME`, else `.slipway` in the workspace (or in the folder of its set). Nothing is made: who writes there calls {@link makeHome}
 * first. A store of another user in it is refused.
 */
export function findPlaces(workspace: string, environment: Readonly<Record<string, string | undefined>>): Places {
  const source = realPathOf(resolve(workspace));
  const wanted = resolve(environment['SLIPWAY_HOME'] ?? join(setOf(source) ?? source, '.slipway'));
  if (environment['SLIPWAY_DATABASE_URL'] === undefined) refuseForeignStore(wanted);
  const home = realPathOf(wanted);
  return { workspace: source, home, node: environment['SLIPWAY_NODE'] ?? `${hostname()}:${home}` };
}

/**
 * Makes the state directory unless it is there, and keeps it out of git.
 * @throws SlipwayError `state_unwritable`, `disk_full`
 */
export function makeHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    accessSync(home, constants.W_OK | constants.X_OK);
    const ignored = join(home, '.gitignore');
    if (!existsSync(ignored)) writeFileSync(ignored, '*\n');
  } catch (error) {
    throw placeRefusal(`Nothing was done: it needs the state directory ${home}, which cannot be written`, error);
  }
}
