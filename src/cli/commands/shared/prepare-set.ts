import { loadSet, type LoadedConfig, type ServiceSet } from '../../../config/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import type { ReleaseSet } from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import type { Call } from '../spec.ts';
import { configOf, refuseStrangeFolder } from './app.ts';
import { prepare, type Prepared } from './prepare.ts';

/** What is to be released: the service here, or those of the set that is declared here, each with its configuration. */
export type Releasable =
  | { readonly set: null; readonly config: LoadedConfig }
  | { readonly set: ServiceSet; readonly configs: readonly LoadedConfig[] };

/** Read before a store is opened, which takes seconds, or made: so long nobody should wait to hear of a mistake in slipway.yaml. */
export async function readReleasable(call: Call): Promise<Releasable> {
  const set = call.config === null ? await loadSet(call.directory) : null;
  if (set !== null) return { set, configs: await configsOf(call, set) };
  await refuseStrangeFolder(call);
  return { set, config: await configOf(call) };
}

async function configsOf(call: Call, { name, folders }: ServiceSet): Promise<readonly LoadedConfig[]> {
  const configs = await Promise.all(folders.map((folder) => configOf({ ...call, directory: folder })));
  const services = configs.map(({ definition }) => definition.service);
  const twice = services.find((service, index) => services.indexOf(service) !== index);
  if (twice !== undefined) throw new SlipwayError('config_invalid', `Two services of the set ${name} are called ${twice}`);
  return configs;
}

/** Plans the service, or every service of the set. Nothing is submitted unless all of them can be planned. */
export async function prepareAll(call: Call, app: App, what: Releasable): Promise<readonly Prepared[]> {
  if (what.set === null) return [await prepare(call, app, what.config)];
  const { name, order, folders } = what.set;
  const set = setOf(app, { name, order, services: what.configs.map(({ definition }) => definition.service) });
  const plans: Prepared[] = [];
  for (const [index, config] of what.configs.entries()) {
    const workspace = folders[index] ?? '';
    const member = { set, release: set.members[index]?.release ?? '', workspace };
    plans.push(await prepare({ ...call, directory: workspace }, app, config, member));
  }
  return plans;
}

/** A set with a new release for each of its services. */
export function setOf(
  { effects: { ids, clock } }: App,
  { name, order, services }: Pick<ReleaseSet, 'name' | 'order'> & { readonly services: readonly string[] },
): ReleaseSet {
  const members = services.map((service) => ({ service, release: ids.release(clock.now()) }));
  return { id: members[0]?.release ?? '', name, order, members };
}
