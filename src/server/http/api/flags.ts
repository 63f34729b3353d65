import type { Context } from 'hono';
import {
  changeFlags,
  deliveryDocument,
  deliveryOf,
  dependantsOf,
  killDocument,
  killFlag,
  killOf,
  undoKill,
  type Flag,
  type FlagChange,
  type StoredFlags,
  type Target,
} from '../../../flags/index.ts';
import { messageOf, SlipwayError } from '../../../kernel/index.ts';
import type { ServeEnv, Serving } from '../mount.ts';
import type { OwnSnapshots } from '../snapshots.ts';
import { CREATE, HISTORY, KILL, KILLED, LIST, PATCH, REMOVE, REPLACE, SHOW, UNDO } from './described/flags.ts';
import { flagSchema } from './flag-schema.ts';
import { mergePatch } from './merge-patch.ts';
import { operation, type Operation } from './operation.ts';
import { askedBy, changeOf, etagOf, flagIn, noFlag, revisionOf } from './shared.ts';

interface Parts {
  readonly serving: Serving;
  readonly snapshots: OwnSnapshots;
}

/** Flags of the token's environment: look, make, change, take away, turn off at once. */
export function flagOperations(parts: Parts): readonly Operation[] {
  return [...looks(parts), ...changes(parts), ...switches(parts)];
}

function looks({ serving, snapshots }: Parts): readonly Operation[] {
  return [
    operation(LIST, async (_, context) => {
      const { environment, seq, set, flagRevisions } = await snapshots.get(context.get('token').environment);
      const flags = Object.entries(set.flags).map(([key, flag]) => ({ key, revision: flagRevisions.get(key) ?? 0, flag }));
      context.header('etag', etagOf(seq));
      return context.json({ environment, seq, flags });
    }),
    operation(SHOW, async ({ params: { key } }, context) => {
      const snapshot = await snapshots.get(context.get('token').environment);
      const flag = flagIn(snapshot, key);
      if (flag === null) throw noFlag(key, snapshot.environment);
      const revision = snapshot.flagRevisions.get(key) ?? 0;
      context.header('etag', etagOf(revision));
      return context.json({ key, revision, flag });
    }),
    operation(HISTORY, async ({ params: { key }, query: { before, limit } }, context) => {
      const { environment } = context.get('token');
      const found = await serving.flags.history(environment, { key, limit, ...(before === undefined ? {} : { before }) });
      return context.json({ changes: found.map(changeOf) });
    }),
  ];
}

function changes(parts: Parts): readonly Operation[] {
  const { flags: store, redact } = parts.serving;
  /** Reads what is there, makes another flag of it, checks the whole and commits. */
  const change = async (
    context: Context<ServeEnv>,
    { key, why, action }: { readonly key: string; readonly why: string; readonly action: 'create' | 'change' | 'delete' },
    make: (before: Flag | null) => Flag | null,
  ): Promise<Response> => {
    const asked = askedBy(context, redact(why));
    const edit = (stored: StoredFlags): readonly Target[] => [{ kind: 'flag', key, after: make(flagIn(stored, key)) }];
    const revision = (stored: StoredFlags): number | null =>
      action === 'create' ? null : revisionOf(context, stored.flagRevisions.get(key), `flag ${key}`);
    const made = await changeFlags(store, asked, { action, revision, edit });
    return made === null ? unchanged(parts, context, key) : told(parts, context, made);
  };
  return [
    operation(CREATE, ({ body: { key, flag, reason: why } }, context) => change(context, { key, why, action: 'create' }, () => flag)),
    operation(REPLACE, ({ params: { key }, body: { flag, reason: why } }, context) =>
      change(context, { key, why, action: 'change' }, () => flag),
    ),
    operation(PATCH, ({ params: { key }, body: { flag, reason: why } }, context) =>
      change(context, { key, why, action: 'change' }, (before) => patched(before, flag)),
    ),
    operation(REMOVE, ({ params: { key }, query: { reason: why } }, context) =>
      change(context, { key, why, action: 'delete' }, () => null),
    ),
  ];
}

function switches(parts: Parts): readonly Operation[] {
  const { flags: store, redact, telemetry } = parts.serving;
  return [
    operation(KILLED, async ({ params: { key } }, context) => {
      const { environment } = context.get('token');
      if (flagIn(await store.read(environment), key) === null) throw noFlag(key, environment);
      const kill = await killOf(store, environment, key);
      const delivery = kill && deliveryOf(await telemetry.reach(environment), kill.change.seq, kill.first);
      return context.json({ key, kill: killDocument(kill), delivery: deliveryDocument(delivery) });
    }),
    operation(KILL, async ({ params: { key }, body }, context) => {
      const change = await killFlag(store, askedBy(context, redact(body.reason)), key);
      // It is off by now: what that means for other flags is worth a question, and no failure.
      const dependants = await store.read(change.environment).then(
        ({ set }) => dependantsOf(set, key),
        (error: unknown) => {
          parts.serving.log('warn', 'which flags require a killed one is not known', { key, error: messageOf(error) });
          return null;
        },
      );
      return told(parts, context, change, { dependants });
    }),
    operation(UNDO, async ({ params: { key }, body }, context) =>
      told(parts, context, await undoKill(store, askedBy(context, redact(body.reason)), key)),
    ),
  ];
}

/** The answer to a change. It waits until the change is here, so that who made it finds it. */
async function told(
  { serving, snapshots }: Parts,
  context: Context<ServeEnv>,
  change: FlagChange,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Response> {
  const { environment, action, actor, seq, writes } = change;
  await snapshots.refresh(environment);
  const [write] = writes;
  serving.log('info', 'flag changed', { environment, key: write?.key, action, actor, seq });
  context.header('etag', etagOf(seq));
  return context.json({ key: write?.key, revision: seq, flag: write?.after ?? null, ...more }, action === 'create' ? 201 : 200);
}

/** The answer to a change of nothing. */
async function unchanged({ snapshots }: Parts, context: Context<ServeEnv>, key: string): Promise<Response> {
  const stored = await snapshots.get(context.get('token').environment);
  const revision = stored.flagRevisions.get(key) ?? 0;
  context.header('etag', etagOf(revision));
  return context.json({ key, revision, flag: flagIn(stored, key) });
}

function patched(before: Flag | null, patch: Readonly<Record<string, unknown>>): Flag {
  const parsed = flagSchema.safeParse(mergePatch(before, patch));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SlipwayError('request_invalid', `flag.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}
