import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, messageOf, SlipwayError, systemClock, toIso, type Check } from '../../../kernel/index.ts';
import { keyFingerprints, loadOrCreateKeys } from '../../../evidence/index.ts';
import { loadOrCreateSigner } from '../../../flags/index.ts';
import { agentPlaces, agentStatus } from '../../../server/index.ts';
import { runningHaproxy } from '../../../traffic/index.ts';
import { count } from '../../output/table.ts';

/** The keys that sign evidence, with the fingerprints a verifier pins, and the one that signs flags, which clients pin. Makes none. */
export function checkKeys(home: string): Check {
  const folder = join(home, 'keys');
  try {
    const flags = existsSync(join(folder, 'flags-signing-keys.pem')) ? `; flags are signed with ${loadOrCreateSigner(folder).key}` : '';
    return { name: 'keys', verdict: 'pass', reason: `${evidenceKeys(folder)}${flags}` };
  } catch (error) {
    return {
      name: 'keys',
      verdict: 'fail',
      reason: messageOf(error),
      fix: error instanceof SlipwayError ? error.hint : `Restore ${folder} from a backup.`,
    };
  }
}

function evidenceKeys(folder: string): string {
  if (!existsSync(join(folder, 'signing-keys.pem'))) return 'none for evidence yet; the first release makes them';
  const { pack, log } = keyFingerprints(loadOrCreateKeys(folder));
  return `pack key ${pack}, log key ${log}`;
}

/** Every JSON file of the agent can be read. */
export function checkStateFiles(home: string): readonly Check[] {
  const folder = join(home, 'agent');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const broken = files.flatMap((name) => brokenFile(join(folder, name)));
  if (broken.length > 0) return broken;
  return [
    { name: 'agent state', verdict: 'pass', reason: files.length === 0 ? 'nothing is recorded yet' : `${files.join(', ')} can be read` },
  ];
}

/** What an agent of this folder would look after. A file that cannot be read is a check of its own. */
function wantedGroups(home: string): readonly string[] {
  try {
    const { groups } = JSON.parse(readFileSync(join(home, 'agent', 'groups.json'), 'utf8')) as { readonly groups?: unknown };
    return isJsonObject(groups) ? Object.keys(groups) : [];
  } catch {
    return [];
  }
}

function brokenFile(file: string): readonly Check[] {
  try {
    JSON.parse(readFileSync(file, 'utf8'));
    return [];
  } catch (error) {
    const fix = `Stop the agent, then set the file aside: mv '${file}' '${file}.broken'. The next release writes it again; processes that ran keep running until then.`;
    return [{ name: 'agent state', verdict: 'fail', reason: `${file} cannot be read: ${messageOf(error)}`, fix }];
  }
}

/** Whether an agent answers. None is no fault where it has nothing to look after: `slipway release` starts one. */
export async function checkAgent(home: string): Promise<Check> {
  const agent = await agentStatus(home);
  if (agent === null) {
    const groups = wantedGroups(home);
    if (groups.length === 0)
      return { name: 'agent', verdict: 'pass', reason: 'none runs; `slipway release` or `slipway agent start` starts one' };
    const haproxy = await runningHaproxy(agentPlaces(home).directory, systemClock);
    const users =
      haproxy === null
        ? 'users do not reach it, and nobody restarts what crashes'
        : `HAProxy (pid ${haproxy}) goes on sending users to it, and until an agent runs nobody watches it or restarts what crashes`;
    const reason = `none runs, and ${groups.join(', ')} should: ${users}`;
    return { name: 'agent', verdict: 'fail', reason, fix: 'Start it with `slipway agent start`.' };
  }
  const { worker } = agent;
  const reason = `pid ${agent.pid}, version ${agent.version}, since ${toIso(Date.parse(agent.startedAt))}`;
  if (worker === null || worker.pid !== null) return { name: 'agent', verdict: 'pass', reason };
  return {
    name: 'agent',
    verdict: 'fail',
    reason: `${reason}; its worker does not stay up (${count(worker.restarts, 'restart')})`,
    fix: `Read ${agentPlaces(home).workerLog}.`,
  };
}
