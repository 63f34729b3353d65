import { redactDeep } from '../../../kernel/index.ts';
import { prepareRelease, type Plan, type ReleaseSet } from '../../../release/index.ts';
import type { LoadedConfig } from '../../../config/index.ts';
import type { App } from '../../compose.ts';
import { many, text, type Call } from '../spec.ts';
import { actorOf } from './app.ts';
import { refuseLiteralSecrets } from './literal-secrets.ts';
import { parseSkips, refuseUnknownSkips } from './skips.ts';

/** A plan that could be submitted, and the skips it was made with. */
export interface Prepared {
  readonly plan: Plan;
  readonly skips: Readonly<Record<string, string>>;
}

/** One service of a set. */
export interface Member {
  readonly set: ReleaseSet;
  readonly release: string;
  /** Its folder. */
  readonly workspace: string;
}

/** Reads skips and the facts of the change; shared by `plan` and `release`, so both mean the same. */
export async function prepare(call: Call, app: App, { definition, sha256 }: LoadedConfig, member?: Member): Promise<Prepared> {
  const { effects, places, deps, secrets } = app;
  const workspace = member?.workspace ?? places.workspace;
  const asked = parseSkips(many(call, 'skip'));
  refuseLiteralSecrets(definition, await secrets.environmentFor(workspace, definition.envFile));
  // Only now are the values of the variables file known.
  const skips = redactDeep(asked, effects.redact);
  const url = definition.database?.url;
  // An empty database inside our own server is part of the state directory, and without it no migration can be read.
  if (typeof url === 'object') await deps.ensureEmbedded(url.embedded);
  const plan = await prepareRelease(deps, {
    release: member?.release ?? effects.ids.release(effects.clock.now()),
    workspace,
    definition,
    configSha256: sha256,
    version: text(call, 'version') ?? null,
    requestedBy: actorOf(call.environment),
    node: places.node,
    skips,
    ...(member === undefined ? {} : { set: member.set }),
  });
  refuseUnknownSkips(skips, plan);
  return { plan, skips };
}
