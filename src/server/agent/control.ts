import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { readProcessStat, SlipwayError, type Clock } from '../../kernel/index.ts';
import type { AgentStatus } from './control-routes.ts';
import { agentPlaces, makeAgentPlaces } from './places.ts';

const ANSWER_WITHIN_MS = 2_000;
/** Whoever wants to start or stop it must not take one on a busy machine for none: then it would not be stopped, or started twice. */
const ANSWER_SURELY_WITHIN_MS = 15_000;
/** It is seen at once when it ends before; this is for a machine that has much else to do. */
const START_WITHIN_MS = 60_000;
/** The worker's last step and the requests in flight, see `keepWorker` and the router's drain time. */
const STOP_WITHIN_MS = 60_000;
/** With everything supervised it takes as long as the longest grace period. */
const STOP_ALL_WITHIN_MS = 15 * 60_000;
const LOOK_MS = 30;

/** The agent of a state directory; null when none answers. One that is stopping takes no orders, so it counts as none. */
export async function agentStatus(home: string): Promise<AgentStatus | null> {
  const found = await askStatus(home);
  return found?.stopping === true ? null : found;
}

async function askStatus(home: string, timeoutMs = ANSWER_WITHIN_MS): Promise<AgentStatus | null> {
  try {
    const { statusCode, text } = await call(home, { method: 'GET', path: '/v1/agent', timeoutMs });
    return statusCode === 200 ? (JSON.parse(text) as AgentStatus) : null;
  } catch {
    // Nobody there, or not an agent: either way there is none to talk to.
    return null;
  }
}

/** Starts an agent that outlives this process, unless one runs; resolves when it answers. Waits for one that is stopping. */
export async function startAgent(
  home: string,
  argv: readonly string[],
  cwd: string,
  clock: Clock,
): Promise<{ readonly status: AgentStatus; readonly started: boolean }> {
  const running = await askStatus(home, ANSWER_SURELY_WITHIN_MS);
  if (running !== null && !running.stopping) return { status: running, started: false };
  if (running !== null) await untilGone(home, running, clock, STOP_WITHIN_MS);
  const places = makeAgentPlaces(home);
  const [program = '', ...args] = argv;
  const output = openSync(places.log, 'a', 0o600);
  const before = fstatSync(output).size;
  const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  child.unref();
  let ended = false;
  child.once('exit', () => (ended = true));
  const until = clock.monotonic() + START_WITHIN_MS;
  while (clock.monotonic() < until) {
    const status = await agentStatus(home);
    if (status !== null) return { status, started: status.pid === child.pid };
    if (ended) break;
    await clock.sleep(LOOK_MS);
  }
  // What earlier agents said would only mislead.
  const tail = readFileSync(places.log).subarray(before).toString().trimEnd().split('\n').slice(-5).join('\n');
  throw new SlipwayError('agent_unreachable', `The agent did not start. Its log ends with:\n${tail}`, { hint: `Read ${places.log}.` });
}

/**
 * Stops the agent and resolves when its process is gone, so that another may start at once. Supervised processes go on, unless
 * `all` ends them too. False when none ran.
 * @throws SlipwayError `not_possible_now` when something could not be stopped, or not in time
 */
export async function stopAgent(home: string, clock: Clock, { all = false }: { readonly all?: boolean } = {}): Promise<boolean> {
  const running = await askStatus(home, ANSWER_SURELY_WITHIN_MS);
  if (running === null) return false;
  const timeoutMs = all ? STOP_ALL_WITHIN_MS : STOP_WITHIN_MS;
  const failure = await call(home, { method: 'POST', path: `/v1/agent/stop?all=${all}`, timeoutMs }).then(
    ({ statusCode }) => (statusCode < 300 ? null : 'something could not be stopped'),
    // Whether it is gone is looked at below; an agent that ends in the middle of an answer has ended.
    () => null,
  );
  await untilGone(home, running, clock, timeoutMs);
  if (failure === null) return true;
  throw new SlipwayError('not_possible_now', `The agent has stopped, but ${failure}`, { hint: `Read ${agentPlaces(home).log}.` });
}

async function untilGone(home: string, { pid }: AgentStatus, clock: Clock, withinMs: number): Promise<void> {
  const before = readProcessStat(pid)?.startTicks;
  const runs = (): boolean => {
    const now = readProcessStat(pid);
    return now !== null && now.startTicks === before && now.state !== 'Z';
  };
  const until = clock.monotonic() + withinMs;
  while (clock.monotonic() < until) {
    if (!runs() && (await askStatus(home)) === null) return;
    await clock.sleep(LOOK_MS);
  }
  throw new SlipwayError('not_possible_now', `The agent (pid ${pid}) did not stop within ${withinMs / 1_000} s`, {
    hint: `Look into its log, or end process ${pid} yourself.`,
  });
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly timeoutMs: number;
}

async function call(home: string, { method, path, timeoutMs }: Call): Promise<{ readonly statusCode: number; readonly text: string }> {
  // Every command asks whether an agent runs. An `import` of node:http would load Node's whole fetch for its getters (a third of
  // a second here), undici more than a hundred modules.
  const { request } = process.getBuiltinModule('node:http');
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    request({ socketPath: agentPlaces(home).socket, method, path, agent: false, signal }, resolve)
      .once('error', reject)
      .end();
  });
  return { statusCode: response.statusCode ?? 0, text: await text(response) };
}
