import { SlipwayError } from '../../kernel/index.ts';
import { foldEvents, type ReleaseState } from '../../release/index.ts';
import { agentStatus } from '../../server/index.ts';
import type { App } from '../compose.ts';
import { actorOf, withStore } from './shared/app.ts';
import { delayNote, eventOf, lossNote, refusalOf, type Wish } from './shared/requests.ts';
import { answerForSet } from './shared/set-wish.ts';
import { releasesAtWork, releasesInFlight, type Chosen } from './shared/which.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** A command that records what a person asks of a release in flight, or of a set of them. */
function control(wishOf: (call: Call) => Wish, choose = releasesInFlight): Handler {
  return async (call) => {
    const wish = wishOf(call);
    return withStore(call, async (app) => {
      const chosen = await choose(call, app.opened.store);
      if (chosen.releases.length === 0)
        throw new SlipwayError('not_possible_now', 'No release is in flight here', {
          hint: 'Run `slipway list` to see what was released.',
        });
      return ask(call, app, chosen, wish);
    });
  };
}

/** Records the wish, or refuses it with what would make sense instead. */
export async function ask(call: Call, app: App, { set, releases }: Chosen, wish: Wish): Promise<number> {
  const states = await Promise.all(releases.map((release) => stateOf(app, release)));
  const asked = set === null ? states : await membersToAsk(call, app, { set, states, wish });
  if (set === null) for (const state of states) refuseSenseless(call, app, state, wish);
  const said: object[] = [];
  for (const state of asked) {
    const one = recordWish(call, app, state, wish);
    // One that followed another of its set, and has ended since it was looked at, needs no order.
    said.push(...(await (said.length === 0 ? one : one.catch(nothingIfOver)).then((told) => (told === null ? [] : [told]))));
  }
  if (call.terminal.json) for (const one of set === null ? said : [{ set, releases: said }]) call.terminal.data(one);
  await noteDriver(call, app, asked);
  return 0;
}

function nothingIfOver(error: unknown): null {
  if (error instanceof SlipwayError && error.code === 'not_possible_now') return null;
  throw error;
}

async function stateOf({ opened }: App, release: string): Promise<ReleaseState> {
  return foldEvents((await opened.store.load(release)).events);
}

function refuseSenseless(call: Call, { effects }: App, state: ReleaseState, wish: Wish): void {
  const refusal = refusalOf(wish, state, actorOf(call.environment), effects.clock.now());
  if (refusal !== null) throw new SlipwayError('not_possible_now', `Cannot ${wish.do} release ${state.plan.release}: ${refusal}`);
}

async function membersToAsk(
  call: Call,
  app: App,
  { set, states, wish }: { readonly set: string; readonly states: readonly ReleaseState[]; readonly wish: Wish },
): Promise<readonly ReleaseState[]> {
  const members = new Set(states.flatMap(({ plan }) => plan.set?.members.map(({ release }) => release) ?? []));
  const others = [...members].filter((release) => !states.some(({ plan }) => plan.release === release));
  const over = await Promise.all(others.map((release) => stateOf(app, release)));
  const answer = answerForSet(wish, states, over, { actor: actorOf(call.environment), now: app.effects.clock.now() });
  if ('refusal' in answer) throw new SlipwayError('not_possible_now', `Cannot ${wish.do} the set ${set}: ${answer.refusal}`);
  return answer.asked;
}

/** Answers the document that says so. */
async function recordWish(call: Call, app: App, state: ReleaseState, wish: Wish): Promise<object> {
  const { opened, effects, secrets } = app;
  const { terminal } = call;
  const actor = actorOf(call.environment);
  const { release, workspace, definition } = state.plan;
  // The reason may quote what stands in the variables file. One that cannot be read must not keep anybody from stopping a release.
  await secrets.environmentFor(workspace, definition.envFile).catch(() => undefined);
  await opened.store.request(release, actor, eventOf({ ...wish, reason: effects.redact(wish.reason) }, state));
  if (!terminal.json)
    terminal.say(
      `Recorded: ${wish.do} of release ${release} (${state.plan.service} ${state.plan.version} in ${state.plan.environment}) by ${actor}. See what becomes of it with \`slipway watch ${release}\`.`,
    );
  if (wish.do === 'accept' && isHeld(state))
    terminal.note(
      'note: requests are held, and fail after 30 s, until a release opens the route; `slipway rollback --to VERSION` does that for the version that served before',
    );
  for (const note of [delayNote(wish, state), lossNote(wish, state)]) if (note !== null) terminal.note(`note: ${note}`);
  return { release, requested: wish.do, by: actor };
}

async function noteDriver({ terminal }: Call, { places }: App, asked: readonly ReleaseState[]): Promise<void> {
  const driven = (await agentStatus(places.home))?.worker ?? null;
  const { length } = asked.filter(({ plan }) => plan.node === places.node);
  if (driven === null && length > 0)
    terminal.note(
      `note: no agent with a worker runs here; unless another worker drives ${length === 1 ? 'this release' : 'these releases'}, start one with \`slipway agent start\``,
    );
}

/** Accepted as it stands means that users go on waiting, which nobody wants who was not told. */
function isHeld({ placement }: ReleaseState): boolean {
  return placement?.step.kind === 'route' && placement.step.input['mode'] === 'hold';
}

const reasonOf = (call: Call): string => text(call, 'reason') ?? '';

export const pause = control((call) => ({ do: 'pause', reason: reasonOf(call) }), releasesAtWork);

export const resume = control((call) => ({ do: 'resume', reason: reasonOf(call) }), releasesAtWork);

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
