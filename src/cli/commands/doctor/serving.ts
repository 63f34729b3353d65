import type { Check } from '../../../kernel/index.ts';
import { foldEvents, versionOf, type PreviousVersion } from '../../../release/index.ts';
import { agentStatus } from '../../../server/index.ts';
import type { App } from '../../compose.ts';
import type { Call } from '../spec.ts';
import { setServing } from '../shared/rollback-set.ts';
import { setHere } from '../shared/which.ts';
import { recentErrors, whyNotServing } from '../shared/serving.ts';

const RECENT = 500;

/** What was released is what runs, ready, and users reach it. Without an agent nobody can tell; that is the agent's own check. */
export async function checkServing(app: App): Promise<readonly Check[]> {
  if ((await agentStatus(app.places.home)) === null) return [];
  const { store } = app.opened;
  const recent = await store.list({ limit: RECENT });
  const names = new Map(recent.map(({ service, environment }) => [`${service}/${environment}`, { service, environment }]));
  const checks = await Promise.all(
    [...names].map(async ([name, { service, environment }]): Promise<readonly Check[]> => {
      // While a release is at work, or waits for a person, instances and route are as that release needs them.
      if ((await store.lockOf(service, environment)) !== null) return [];
      const stored = await store.lastServing(service, environment);
      // What another node of a shared store runs is not to be seen from here.
      if (stored === null || foldEvents(stored.events).plan.node !== app.places.node) return [];
      const serving = versionOf(stored);
      const problem = await whyNotServing(app, serving);
      if (problem === null) return [await judgeTraffic(app, name, serving)];
      const fix = `Look with \`slipway status\`. Where it does not run, start it again with \`slipway rollback --to ${serving.version} --reason TEXT\`, or release another version with --skip preflight.health=REASON.`;
      return [{ name: 'serving', verdict: 'fail', reason: `${name}: ${problem}`, fix }];
    }),
  );
  return checks.flat();
}

/** Ready by its own health answer, and yet failing users: only the router sees that. */
async function judgeTraffic(app: App, name: string, serving: PreviousVersion): Promise<Check> {
  const { most, told } = await recentErrors(app, serving);
  const reason = `${name}: ${serving.version} runs and is ready${told === null ? '' : `; ${told}`}`;
  if (!most) return { name: 'serving', verdict: 'pass', reason };
  const fix = 'Read what its instances print (docs/operations.md, Logs). `slipway rollback --reason TEXT` puts the version before it back.';
  return { name: 'serving', verdict: 'fail', reason, fix };
}

/** No service of a set is left on an older version than its companions. One that was released by itself since then is meant so. */
export async function checkSet(call: Call, { opened }: App): Promise<readonly Check[]> {
  const set = await setHere(call);
  if (set === null) return [];
  const locks = await Promise.all(set.places.map((place) => opened.store.lockOf(place.service, place.environment)));
  // While releases are at work some are ahead of the others.
  if (locks.some((lock) => lock !== null)) return [];
  const { apart, behind } = await setServing(opened.store, set.places);
  const reason = `${set.set}: ${apart ?? `${set.places.map(({ service }) => service).join(', ')} serve what was released as one`}`;
  if (behind.length === 0) return [{ name: 'set', verdict: 'pass', reason }];
  const fix = `${behind.join(', ')} did not come along: release the set again under a new version, or take the others back with -C FOLDER.`;
  return [{ name: 'set', verdict: 'fail', reason, fix }];
}
