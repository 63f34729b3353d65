import type { Context } from 'hono';
import { changeFlags, type FlagChange, type Segment, type StoredFlags } from '../../../flags/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import type { ServeEnv, Serving } from '../mount.ts';
import type { OwnSnapshots } from '../snapshots.ts';
import { LIST, PUT, REMOVE, SHOW } from './described/segments.ts';
import { operation, type Operation } from './operation.ts';
import { askedBy, etagOf, revisionOf } from './shared.ts';

/** Segments of the token's environment. */
export function segmentOperations({
  serving,
  snapshots,
}: {
  readonly serving: Serving;
  readonly snapshots: OwnSnapshots;
}): readonly Operation[] {
  const { flags: store, redact } = serving;

  const show = async (context: Context<ServeEnv>, key: string): Promise<Response> => {
    const { environment, set, segmentRevisions } = await snapshots.get(context.get('token').environment);
    const revision = segmentRevisions.get(key);
    if (revision === undefined)
      throw new SlipwayError('not_found', `There is no segment ${key} in ${environment}`, { hint: 'GET /api/v1/segments lists them.' });
    context.header('etag', etagOf(revision));
    return context.json({ key, revision, segment: set.segments[key] });
  };

  const answer = async (context: Context<ServeEnv>, key: string, change: FlagChange | null): Promise<Response> => {
    if (change === null) return show(context, key);
    await snapshots.refresh(change.environment);
    const [write] = change.writes;
    const { environment, action, actor, seq } = change;
    serving.log('info', 'segment changed', { environment, key: write?.key, action, actor, seq });
    context.header('etag', etagOf(seq));
    return context.json({ key: write?.key, revision: seq, segment: write?.after ?? null }, change.action === 'create' ? 201 : 200);
  };

  const change = async (
    context: Context<ServeEnv>,
    { key, why }: { readonly key: string; readonly why: string },
    after: Segment | null,
  ): Promise<FlagChange | null> => {
    const asked = askedBy(context, redact(why));
    const before = (await store.read(asked.environment)).segmentRevisions.get(key);
    const isNew = after !== null && before === undefined && context.req.header('if-match') === undefined;
    const revision = ({ segmentRevisions }: StoredFlags): number | null =>
      isNew ? null : revisionOf(context, segmentRevisions.get(key), `segment ${key}`);
    const action = isNew ? 'create' : after === null ? 'delete' : 'change';
    return changeFlags(store, asked, { action, revision, edit: () => [{ kind: 'segment', key, after }] });
  };

  return [
    operation(LIST, async (_, context) => {
      const { environment, seq, set, segmentRevisions } = await snapshots.get(context.get('token').environment);
      const revision = (key: string): number => segmentRevisions.get(key) ?? 0;
      const segments = Object.entries(set.segments).map(([key, segment]) => ({ key, revision: revision(key), segment }));
      return context.json({ environment, seq, segments });
    }),
    operation(SHOW, async ({ params: { key } }, context) => show(context, key)),
    operation(PUT, async ({ params: { key }, body }, context) =>
      answer(context, key, await change(context, { key, why: body.reason }, body.segment)),
    ),
    operation(REMOVE, async ({ params: { key }, query }, context) =>
      answer(context, key, await change(context, { key, why: query.reason }, null)),
    ),
  ];
}
