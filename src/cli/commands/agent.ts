import { SlipwayError, systemClock, toIso } from '../../kernel/index.ts';
import {
  agentPlaces,
  agentStatus,
  askedOtlp,
  isSameOtlp,
  makeAgentPlaces,
  otlpFor,
  ownOutput,
  ROUTERS,
  routerFor,
  runAgent,
  startAgent,
  stopAgent,
  tellOtlpAddress,
  type AgentStatus,
  type RouterName,
} from '../../server/index.ts';
import { stopUnusedEmbedded } from '../../store/index.ts';
import { ownArgv, random } from '../compose.ts';
import { createLog, levelFrom } from '../output/log.ts';
import { count } from '../output/table.ts';
import { ownVersion } from '../output/version.ts';
import { findPlaces, makeHome, type Places } from '../places.ts';
import { refuseStrangeFolder } from './shared/app.ts';
import { deafNote, deafRoutes } from './shared/deaf-routes.ts';
import { agentArgv } from './shared/driver.ts';
import { onInterrupt } from './shared/interrupt.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

async function placesOf(call: Call): Promise<Places> {
  await refuseStrangeFolder(call);
  return findPlaces(call.directory, call.environment);
}

/** The same for an agent, which writes there. */
async function madePlacesOf(call: Call): Promise<Places> {
  const places = await placesOf(call);
  makeHome(places.home);
  return places;
}

/** Runs the agent in this process until SIGTERM or `slipway agent stop`. */
export const run: Handler = async (call) => {
  const { workspace, home } = await madePlacesOf(call);
  const places = makeAgentPlaces(home);
  const log = createLog({
    clock: systemClock,
    redact: call.secrets.redact,
    level: levelFrom(call.environment['SLIPWAY_LOG'], 'info'),
    write: ownOutput(places.log),
  });
  const interrupt = onInterrupt();
  const workerArgv = flag(call, 'worker') ? ownArgv('-C', workspace, 'worker') : null;
  const options = {
    places,
    version: ownVersion(),
    clock: systemClock,
    log,
    random,
    router: await routerFor(places, askedRouter(call)),
    environment: call.environment,
    workerArgv,
    workspace,
    otlp: otlpFor(places, text(call, 'otlp') ?? call.environment['SLIPWAY_OTLP']),
  };
  await runAgent(options, interrupt.signal, () => undefined);
  return 0;
};

/** Starts an agent that outlives this command, unless one runs. */
export const start: Handler = async (call) => {
  const { workspace, home } = await madePlacesOf(call);
  const asked = askedRouter(call);
  const otlp = text(call, 'otlp');
  // Refused here, where somebody reads it, and not in the log of an agent that did not start.
  otlpFor(agentPlaces(home), otlp);
  await routerFor(agentPlaces(home), asked);
  const argv = [
    ...agentArgv(workspace, flag(call, 'worker')),
    ...(otlp === undefined ? [] : ['--otlp', otlp]),
    ...(asked === null ? [] : ['--router', asked]),
  ];
  const { status, started } = await startAgent(home, argv, workspace, systemClock);
  if (!started) {
    refuseOtherRouter(status, asked);
    await refuseOtherOtlp(status, otlp);
  }
  const deaf = await deafRoutes(home);
  tell(
    call,
    { home, started, ...status, deaf },
    `${started ? 'Started' : 'Runs already'}: ${describe(status)}\nlog  ${agentPlaces(home).log}`,
  );
  for (const one of deaf) call.terminal.note(deafNote(one));
  return 0;
};

function askedRouter(call: Call): RouterName | null {
  const asked = text(call, 'router');
  return ROUTERS.find((name) => name === asked) ?? null;
}

function refuseOtherRouter({ pid, router }: AgentStatus, asked: RouterName | null): void {
  const name = router?.name ?? ROUTERS[0];
  if (asked === null || asked === name) return;
  throw new SlipwayError('agent_running', `The agent that runs (pid ${pid}) has the ${name} router`, {
    hint: `Run \`slipway agent stop\`, then \`slipway agent start --router ${asked}\`.`,
  });
}

async function refuseOtherOtlp({ pid, otlp = null }: AgentStatus, asked: string | undefined): Promise<void> {
  if (asked === undefined || (await isSameOtlp(otlp, askedOtlp(asked)))) return;
  const where = otlp === null ? 'receives no metrics' : `receives metrics on ${tellOtlpAddress(otlp)}`;
  throw new SlipwayError('agent_running', `The agent that runs (pid ${pid}) ${where}, and goes on so`, {
    hint: `Run \`slipway agent stop\`, then \`slipway agent start --otlp ${asked}\`.`,
  });
}

/** Stops the agent; what it supervises goes on, unless everything is to end: then PostgreSQL ends as well when nobody else uses it. */
export const stop: Handler = async (call) => {
  const { home } = await placesOf(call);
  const all = flag(call, 'all');
  const outlives = (await agentStatus(home))?.router?.outlivesAgent === true;
  const stopped = await stopAgent(home, systemClock, { all });
  if (all && !(await stopUnusedEmbedded(home))) call.terminal.note('PostgreSQL has clients of somebody else and goes on.');
  tell(
    call,
    { home, stopped },
    stopped
      ? stoppedText({ all, outlives })
      : `No agent ran.${all ? ' What an agent left running goes on: start one, then stop it with --all.' : ''}`,
  );
  return 0;
};

function stoppedText({ all, outlives }: { readonly all: boolean; readonly outlives: boolean }): string {
  return all
    ? 'Stopped, with everything it supervised. `slipway agent start` starts all of it again.'
    : `Stopped. The processes it supervised go on; ${outlives ? 'its router goes on sending users to them' : 'users reach them again when an agent runs'}.`;
}

/** Says whether an agent runs: exit 0 when it does, 24 when none answers. */
export const status: Handler = async (call) => {
  const { home } = await placesOf(call);
  const found = await agentStatus(home);
  tell(
    call,
    { home, agent: found },
    found === null ? `No agent runs for ${home}. Start it with \`slipway agent start\`.` : describe(found),
  );
  return found === null ? NOT_RUNNING : 0;
};

const NOT_RUNNING = 24;

function describe({ pid, version, startedAt, router, otlp = null, worker }: AgentStatus): string {
  const work =
    worker === null
      ? 'without a worker'
      : `worker pid ${worker.pid ?? 'none yet'}${worker.restarts === 0 ? '' : `, restarted ${count(worker.restarts, 'time')}`}`;
  const metrics = otlp === null ? '' : ` metrics on ${tellOtlpAddress(otlp)},`;
  return `agent pid ${pid}, version ${version}, since ${toIso(Date.parse(startedAt))}, ${router?.name ?? ROUTERS[0]} router,${metrics} ${work}`;
}

function tell({ terminal }: Call, document: unknown, shown: string): void {
  if (terminal.json) terminal.data(document);
  else terminal.say(shown);
}
