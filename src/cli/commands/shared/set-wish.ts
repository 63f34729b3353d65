import type { Instant } from '../../../kernel/index.ts';
import { planUndo, type ReleaseState } from '../../../release/index.ts';
import { refusalOf, type Wish } from './requests.ts';

/** What becomes of a wish about a whole set. */
export type Answer =
  /** Recorded for these; the others are there already, or come after them. */
  { readonly asked: readonly ReleaseState[] } | { readonly refusal: string };

export interface Asker {
  readonly actor: string;
  readonly now: Instant;
}

/**
 * For which releases of a set a wish is recorded. What ends in a way back is asked of all or of none: nothing is begun of which it is
 * known that one service would stay behind.
 * @param states of the members in flight
 * @param over of the members that have ended
 */
export function answerForSet(wish: Wish, states: readonly ReleaseState[], over: readonly ReleaseState[], { actor, now }: Asker): Answer {
  const [one] = states;
  if (wish.do === 'accept' && one !== undefined)
    return { refusal: `what is closed as it stands is one service: name it, as in \`slipway abort ${one.plan.release} --accept REASON\`` };
  const behind = wish.do === 'abort' || wish.do === 'rollback' ? states.flatMap((state) => stays(wish, state)) : [];
  const done = over.filter(({ outcome }) => outcome === 'released');
  if (done.length > 0 && (wish.do === 'abort' || wish.do === 'rollback'))
    return {
      refusal: `${namesOf(done)} ${done.length === 1 ? 'is' : 'are'} released already and the others are about to be: wait for them, then \`slipway rollback\` takes the whole set back`,
    };
  if (behind.length > 0) return { refusal: behind.join('; ') };
  const refused = states.map((state) => ({ state, why: refusalOf(wish, state, actor, now) }));
  const asked = refused.flatMap(({ state, why }) => (why === null ? [state] : []));
  return asked.length > 0 ? { asked } : { refusal: refused.map(({ state, why }) => `${state.plan.service}: ${why ?? ''}`).join('; ') };
}

/** Why a service would not come along. */
function stays(wish: Wish, state: ReleaseState): readonly string[] {
  if (state.undo !== null) return [];
  const { refused } = planUndo(state);
  const accepted = wish.do === 'rollback' && wish.acceptDataLoss;
  return refused === null || accepted ? [] : [`${state.plan.service} would not come along: ${refused}`];
}

function namesOf(states: readonly ReleaseState[]): string {
  return states.map(({ plan }) => `${plan.service} ${plan.version}`).join(', ');
}
