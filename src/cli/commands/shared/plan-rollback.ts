import { redactDeep } from '../../../kernel/index.ts';
import { prepareRollback, type Plan } from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import { text, type Call } from '../spec.ts';
import { actorOf } from './app.ts';
import type { Member } from './prepare.ts';
import { chooseRollback } from './rollback-target.ts';
import { whyNotServing } from './serving.ts';
import { refuseUnknownSkips } from './skips.ts';

/** A finished release that is to be taken back. */
export interface Wanted {
  readonly place: { readonly service: string; readonly environment: string };
  /** The release the user named. */
  readonly finished: string | null;
  readonly skips: Readonly<Record<string, string>>;
  /** Starts an agent where none runs. */
  readonly driver: () => Promise<unknown>;
  readonly member?: Member;
}

/** Plans the release that puts a version from before back. Changes nothing. */
export async function planRollback(call: Call, app: App, { place, finished, skips, driver, member }: Wanted): Promise<Plan> {
  const { service, environment } = place;
  const { effects, places } = app;
  const workspace = member?.workspace ?? places.workspace;
  const { to, current } = await chooseRollback(app.opened.store, {
    service,
    environment,
    finished,
    version: text(call, 'to') ?? null,
    node: places.node,
    serves: async (version) => {
      // An agent that was only stopped brings back what it supervised.
      await driver();
      return (await whyNotServing(app, version)) === null;
    },
  });
  // The reasons may quote what stands in the variables file. One that cannot be read must not keep anybody from going back.
  await app.secrets.environmentFor(workspace, to.definition.envFile).catch(() => undefined);
  const reason = effects.redact(text(call, 'reason')?.trim() ?? '');
  const plan = await prepareRollback(app.deps, {
    release: member?.release ?? effects.ids.release(effects.clock.now()),
    workspace,
    requestedBy: actorOf(call.environment),
    ...(reason === '' ? {} : { reason }),
    node: places.node,
    service,
    environment,
    to,
    current,
    skips: redactDeep(skips, effects.redact),
    ...(member === undefined ? {} : { set: member.set }),
  });
  refuseUnknownSkips(skips, plan);
  return plan;
}
