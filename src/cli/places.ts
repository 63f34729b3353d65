import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

/** Where this installation works. */
export interface Places {
  /** Folder of the service's source. */
  readonly workspace: string;
  /** Slipway's state directory, absolute and without links. */
  readonly home: string;
  /** Workers of this name can reach the workspace and the state directory. */
  readonly node: string;
}

/** `SLIPWAY_HOME`, else `.slipway` in the workspace; made when missing and kept out of git. */
export function findPlaces(workspace: string, environment: Readonly<Record<string, string | undefined>>): Places {
  const source = realpathSync(resolve(workspace));
  const wanted = resolve(environment['SLIPWAY_HOME'] ?? join(source, '.slipway'));
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  writeFileSync(join(wanted, '.gitignore'), '*\n');
  const home = realpathSync(wanted);
  return { workspace: source, home, node: environment['SLIPWAY_NODE'] ?? `${hostname()}:${home}` };
}
