import { deliveryDocument, deliveryOf, flagOf, killDocument, killOf, killsOf, turnedOffBy } from '../../flags/index.ts';
import { toIso } from '../../kernel/index.ts';
import { answer } from '../output/as-is.ts';
import { elsewhereDocument, renderFlag, renderFlags } from '../output/flags.ts';
import { withAppNow } from './shared/app.ts';
import { environmentOf, noteNewEnvironment, onElsewhere, withFlag } from './shared/flags.ts';
import type { Handler } from './spec.ts';

/** Lists the flags of an environment. */
export const list: Handler = async (call) => {
  const environment = environmentOf(call);
  return withAppNow(call, async ({ opened, effects }) => {
    const { set, flagRevisions } = await opened.flags.read(environment);
    const { terminal } = call;
    await noteNewEnvironment(call, opened.flags, environment);
    const kills = await killsOf(opened.flags, set);
    const flags = Object.entries(set.flags).map(([key, flag]) => {
      const kill = killDocument(kills.get(key) ?? null);
      return { key, revision: flagRevisions.get(key), flag, kill };
    });
    answer(terminal, { environment, seq: set.seq, flags }, () => renderFlags(set, { kills, now: effects.clock.now() }, terminal.style));
    return 0;
  });
};

/** Shows one flag whole, and where else it is on; of a killed one, why, and who has heard of it by now. */
export const show: Handler = (call) =>
  withFlag(call, async ({ app, store, environment, key }) => {
    const stored = await store.read(environment);
    const { flag, revision } = flagOf(stored, key);
    const kill = flag.enabled ? null : await killOf(store, environment, key);
    const turnedOff = flag.enabled || kill !== null ? null : await turnedOffBy(store, { environment, key });
    const delivery = kill && deliveryOf(await app.opened.telemetry.reach(environment), kill.change.seq, kill.first);
    const on = await onElsewhere(store, key, environment);
    const { terminal } = call;
    const document = {
      environment,
      seq: stored.set.seq,
      key,
      revision,
      flag,
      kill: killDocument(kill),
      turnedOff: turnedOff && { seq: turnedOff.seq, at: toIso(turnedOff.at), actor: turnedOff.actor, reason: turnedOff.reason },
      delivery: deliveryDocument(delivery),
      onElsewhere: elsewhereDocument(key, on),
    };
    answer(terminal, document, () =>
      renderFlag({ environment, key, revision, flag, kill, turnedOff, delivery, onElsewhere: on }, terminal.style),
    );
    return 0;
  });
