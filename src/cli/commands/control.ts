import { SlipwayError } from '../../kernel/index.ts';
import { foldEvents, type ReleaseState } from '../../release/index.ts';
import { agentStatus } from '../../server/index.ts';
import type { App } from '../compose.ts';
import { actorOf, withApp } from './shared/app.ts';
import { eventOf, lossNote, refusalOf, type Wish } from './shared/requests.ts';
import { releaseAtWork, releaseInFlight } from './shared/which.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** A command that records what a person asks of a release in flight. */
function control(wishOf: (call: Call) => Wish, choose = releaseInFlight): Handler {
  return async (call) => {
    const wish = wishOf(call);
    return withApp(call, async (app) => {
      const release = await choose(call, app.opened.store);
      if (release === null)
        throw new SlipwayError('not_possible_now', 'No release is in flight here', {
          hint: 'Run `slipway list` to see what was released.',
        });
      return ask(call, app, release, wish);
    });
  };
}

/** Records the wish, or refuses it with what would make sense instead. */
export async function ask(call: Call, app: App, release: string, wish: Wish): Promise<number> {
  const { opened, effects, places, secrets } = app;
  const actor = actorOf(call.environment);
  const state = foldEvents((await opened.store.load(release)).events);
  const refusal = refusalOf(wish, state, actor, effects.clock.now());
  if (refusal !== null) throw new SlipwayError('not_possible_now', `Cannot ${wish.do} release ${release}: ${refusal}`);
  const { workspace, definition } = state.plan;
  // The reason may quote what stands in the variables file. One that cannot be read must not keep anybody from stopping a release.
  await secrets.environmentFor(workspace, definition.envFile).catch(() => undefined);
  await opened.store.request(release, actor, eventOf({ ...wish, reason: effects.redact(wish.reason) }, state));
  const driven = (await agentStatus(places.home))?.worker ?? null;
  const { terminal } = call;
  if (terminal.json) terminal.data({ release, requested: wish.do, by: actor });
  else
    terminal.say(
      `Recorded: ${wish.do} of release ${release} (${state.plan.service} ${state.plan.version} in ${state.plan.environment}) by ${actor}. See what becomes of it with \`slipway watch ${release}\`.`,
    );
  if (wish.do === 'accept' && isHeld(state))
    terminal.note(
      'note: requests are held, and fail after 30 s, until a release opens the route; `slipway rollback --to VERSION` does that for the version that served before',
    );
  const loss = lossNote(wish, state);
  if (loss !== null) terminal.note(`note: ${loss}`);
  if (driven === null && state.plan.node === places.node)
    terminal.note(
      'note: no agent with a worker runs here; unless another worker drives this release, start one with `slipway agent start`',
    );
  return 0;
}

/** Accepted as it stands means that users go on waiting, which nobody wants who was not told. */
function isHeld({ placement }: ReleaseState): boolean {
  return placement?.step.kind === 'route' && placement.step.input['mode'] === 'hold';
}

const reasonOf = (call: Call): string => text(call, 'reason') ?? '';

export const pause = control((call) => ({ do: 'pause', reason: reasonOf(call) }), releaseAtWork);

export const resume = control((call) => ({ do: 'resume', reason: reasonOf(call) }), releaseAtWork);

export const promote = control((call) => ({ do: 'promote', reason: reasonOf(call), full: flag(call, 'full') }));

export const abort = control((call) => {
  const accept = text(call, 'accept');
  if (accept === undefined) return { do: 'abort', reason: reasonOf(call) };
  if (accept.trim() === '')
    throw new SlipwayError('usage', '--accept needs a reason', {
      hint: 'Say why the state it is in may stay; that is recorded in the evidence.',
    });
  return { do: 'accept', reason: accept };
});

export const approve = control((call) => ({ do: flag(call, 'reject') ? 'reject' : 'approve', reason: reasonOf(call) }));
