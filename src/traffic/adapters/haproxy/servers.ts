import type { Clock } from '../../../kernel/index.ts';
import { SERVER_CHECK } from './config.ts';
import type { Haproxy } from './process.ts';
import type { Server } from './table.ts';

/** Adds what is missing; it takes requests at once. @throws Error with HAProxy's words when it refuses */
export async function addServers(haproxy: Haproxy, wanted: readonly Server[], clock: Clock): Promise<void> {
  const known = haproxy.servers;
  if (known === null) return;
  for (const { backend, name, address, borrowed } of wanted) {
    const key = `${backend}/${name}`;
    const state = known.get(key)?.state;
    if (state === 'ready') continue;
    if (state === undefined) {
      const answer = await haproxy.runtime.ask(`add server ${key} ${address} ${borrowed ? 'backup ' : ''}${SERVER_CHECK}`);
      if (!answer.includes('New server registered')) throw new Error(`HAProxy refused to add ${key}: ${answer}`);
      known.set(key, { state: 'maint', since: clock.monotonic() });
      await expectSilence(haproxy, `enable health ${key}`);
    }
    await expectSilence(haproxy, `set server ${key} state ready`);
    known.set(key, { state: 'ready', since: clock.monotonic() });
  }
}

/** Sends nothing new to what is not wanted in these backends; what is in flight there goes on. */
export async function retireServers(haproxy: Haproxy, backends: readonly string[], wanted: readonly Server[], clock: Clock): Promise<void> {
  const stay = new Set(wanted.map(({ backend, name }) => `${backend}/${name}`));
  for (const [key, { state }] of haproxy.servers ?? []) {
    if (state === 'maint' || stay.has(key) || !backends.includes(key.slice(0, key.indexOf('/')))) continue;
    // Noted first: what is said of it after this command, by whoever looks after those in service, would undo it.
    haproxy.servers?.set(key, { state: 'maint', since: clock.monotonic() });
    await expectSilence(haproxy, `set server ${key} state maint`);
  }
}

/** Forgets servers that left before a time (monotonic). HAProxy refuses while one has a connection, also an idle one; then it is tried again. */
export async function sweepServers(haproxy: Haproxy, leftBefore: number): Promise<void> {
  for (const [key, { state, since }] of haproxy.servers ?? []) {
    if (state !== 'maint' || since > leftBefore) continue;
    const answer = await haproxy.runtime.ask(`del server ${key}`);
    if (answer.includes('Server deleted')) haproxy.servers?.delete(key);
  }
}

async function expectSilence({ runtime }: Haproxy, command: string): Promise<void> {
  const answer = (await runtime.ask(command)).trim();
  if (answer !== '') throw new Error(`HAProxy answered "${command}" with: ${answer}`);
}
