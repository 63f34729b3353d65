import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { usualConfig, watchFor, type Behaviour, type SmallRig, type SmallService } from './small-service.ts';

/** What a version of a set brings. */
export interface SetChange {
  readonly order: 'together' | 'in-turn';
  /** What the second service does wrong. */
  readonly web?: Behaviour;
  readonly strategy?: object;
  /** How long each of them is watched; 2 s by default. */
  readonly watched?: string;
}

/** Two services, `api` and `web`, in one repository, released as one change. */
export interface SmallSet {
  readonly whole: SmallService;
  readonly ports: readonly number[];
  commit(version: string, change: SetChange): Promise<void>;
  /** What users of each reach. */
  served(): Promise<readonly (string | null)[]>;
}

const SET_SERVICES = ['api', 'web'] as const;

export async function makeSmallSet(rig: SmallRig): Promise<SmallSet> {
  const whole = await rig.service('whole');
  const other = await rig.service('other');
  const ports = [whole.port, other.port];
  for (const name of SET_SERVICES) {
    await mkdir(join(whole.folder, name));
    await copyFile(join(whole.folder, 'server.js'), join(whole.folder, name, 'server.js'));
  }
  return {
    whole,
    ports,
    commit: async (version, { order, web = {}, strategy, watched = '2s' }) => {
      const files: Record<string, string> = {};
      for (const [index, name] of SET_SERVICES.entries()) {
        files[`${name}/package.json`] = JSON.stringify({ type: 'module', version });
        files[`${name}/behaviour.json`] = JSON.stringify(name === 'web' ? web : {});
        files[`${name}/slipway.yaml`] = stringify({
          ...usualConfig(name, ports[index] ?? 0),
          observe: watchFor(watched),
          ...(strategy === undefined ? {} : { strategy }),
        });
      }
      await whole.write(files);
      await whole.commit(version, { config: setConfig(order) });
    },
    served: () => Promise.all([whole.served(), other.served()]),
  };
}

/** Top-level keys of the set's file; what a service alone would have is left out. */
export function setConfig(order: SetChange['order']): Readonly<Record<string, unknown>> {
  const alone = { service: null, listen: null, processes: null, smoke: null, observe: null, rollback: null };
  return { ...alone, set: 'whole', services: [...SET_SERVICES], order };
}
