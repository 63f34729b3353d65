import type { ServiceSet } from '../../../config/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import type { ReleaseSet } from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import type { Call } from '../spec.ts';
import { configOf } from './app.ts';
import { prepare, type Prepared } from './prepare.ts';

/** Plans every service of a set. Nothing is submitted unless all of them can be planned. */
export async function prepareSet(call: Call, app: App, { name, order, folders }: ServiceSet): Promise<readonly Prepared[]> {
  const services = await Promise.all(folders.map(async (folder) => (await configOf({ ...call, directory: folder })).definition.service));
  const twice = services.find((service, index) => services.indexOf(service) !== index);
  if (twice !== undefined) throw new SlipwayError('config_invalid', `Two services of the set ${name} are called ${twice}`);
  const set = setOf(app, { name, order, services });
  const plans: Prepared[] = [];
  for (const [index, folder] of folders.entries())
    plans.push(await prepare({ ...call, directory: folder }, app, { set, release: set.members[index]?.release ?? '', workspace: folder }));
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
