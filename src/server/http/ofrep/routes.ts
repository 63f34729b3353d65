import type { Context } from 'hono';
import { BULK, SINGLE, STREAM } from '../api/described/ofrep.ts';
import { operation, type Operation } from '../api/operation.ts';
import { readText } from '../body.ts';
import type { ServeEnv, Serving, Snapshot } from '../mount.ts';
import type { OwnSnapshots } from '../snapshots.ts';
import type { TokenDoor } from '../token/door.ts';
import { createAnswerMemory } from './answer-memory.ts';
import { createOfrepEvaluator } from './evaluate.ts';
import { createNotices } from './notices.ts';
import type { TakeMemory } from './parts.ts';
import { OfrepFailure } from './request.ts';
import { streamTokens } from './stream-token.ts';

const MOST_BYTES = 64 * 1024;
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' } as const;
/** After this long in the background a web client drops its stream; it asks again when it is looked at. */
const INACTIVITY_SEC = 120;

export interface OfrepParts {
  readonly serving: Serving;
  readonly snapshots: OwnSnapshots;
  readonly door: TokenDoor;
}

export interface Ofrep {
  readonly operations: readonly Operation[];
  close(): void;
}

/** OFREP 0.3 (github.com/open-feature/protocol): evaluation by any OpenFeature client, and a stream that says when to ask again. */
export function createOfrep({ serving, snapshots, door }: OfrepParts): Ofrep {
  const { clock, counts } = serving;
  const evaluator = createOfrepEvaluator();
  const memory = createAnswerMemory();
  const stillValid = async (id: string): Promise<boolean> => (await door.valid(id)) !== null;
  const notices = createNotices({ ...serving, snapshots, stillValid, invite: door.invite });

  const single = async (key: string, context: Context<ServeEnv>): Promise<Response> => {
    const body = await readText(context.env.incoming, MOST_BYTES);
    const snapshot = await snapshots.get(context.get('token').environment);
    sayHowOld(context, snapshots.behindMs());
    try {
      const { status, variant, text } = evaluator.single(snapshot, key, body);
      if (variant !== null) counts.evaluated(snapshot, key, variant);
      return context.body(text, status, JSON_TYPE);
    } catch (error) {
      return failure(context, error, key);
    }
  };

  const bulk = async (context: Context<ServeEnv>): Promise<Response> => {
    const body = await readText(context.env.incoming, MOST_BYTES);
    const { id, environment } = context.get('token');
    const snapshot = await atLeast(snapshots, environment, context.req.query());
    const behindMs = snapshots.behindMs();
    sayHowOld(context, behindMs);
    try {
      const { hash, text } = evaluator.bulk(snapshot, body);
      counts.evaluatedAll(environment);
      if (answersKnown(context, { hash, of: id, epoch: streamTokens.epoch(clock.now()) })) return context.body(null, 304);
      // The token was found a moment ago, so this is in memory.
      const holder = await door.valid(id);
      const rest = restOf(snapshot, behindMs, holder === null ? null : streamTokens.make(holder, clock.now()));
      const take: TakeMemory = (bytes) => memory.take(bytes, context.env.outgoing);
      return context.body(text(rest, take), 200, JSON_TYPE);
    } catch (error) {
      return failure(context, error, null);
    }
  };

  const stream = async (
    query: { readonly token: string; readonly seq?: string | undefined },
    context: Context<ServeEnv>,
  ): Promise<Response> => {
    const read = streamTokens.read(query.token, clock.now());
    const holder = read === null ? null : await door.brought(read.id, context);
    if (read === null || holder === null || !read.isFrom(holder)) return door.refuse(context, 'stream');
    const since = Number(context.req.header('last-event-id') ?? query.seq ?? 0);
    return notices.open(context, holder, Number.isSafeInteger(since) ? since : 0);
  };

  return {
    operations: [
      operation(SINGLE, ({ params }, context) => single(params.key, context)),
      operation(BULK, (_, context) => bulk(context)),
      operation(STREAM, ({ query }, context) => stream(query, context)),
    ],
    close: () => notices.close(),
  };
}

/** A client that heard of a change asks for what it brought: what is in memory here may be older, if it heard it from another process. */
async function atLeast(
  snapshots: OwnSnapshots,
  environment: string,
  { flagConfigEtag, flagConfigLastModified }: Readonly<Record<string, string | undefined>>,
): Promise<Snapshot> {
  const snapshot = await snapshots.get(environment);
  const named = Number(/^seq-(\d{1,15})$/.exec(flagConfigEtag ?? '')?.[1] ?? Number.NaN);
  const isOld = Number.isNaN(named) ? flagConfigLastModified !== undefined : named > snapshot.seq;
  if (!isOld) return snapshot;
  await snapshots.refresh(environment);
  return snapshots.get(environment);
}

/** What an answer is known by: its flags, whose token brought it, and the half hour. */
interface Tagged {
  readonly hash: string;
  /** Id of the token. */
  readonly of: string;
  readonly epoch: number;
}

/** Says what the answer is known by, and whether the client has it. */
function answersKnown(context: Context<ServeEnv>, tagged: Tagged): boolean {
  context.header('etag', etagOf(tagged));
  context.header('cache-control', 'private, no-cache');
  return isKnown(context.req.header('if-none-match'), tagged);
}

/**
 * Whoever shows an ETag from before the last half hour, or one that another token brought, gets a whole answer: only that brings the
 * address of a stream that still opens, and goes on to.
 */
function isKnown(header: string | undefined, tagged: Tagged): boolean {
  if (header === undefined) return false;
  const shown = new Set(header.split(',').map((one) => one.trim().replace(/^W\//, '')));
  return shown.has(etagOf(tagged)) || shown.has(etagOf({ ...tagged, epoch: tagged.epoch - 1 }));
}

function etagOf({ hash, of, epoch }: Tagged): string {
  return `"${hash}.${epoch}.${of}"`;
}

/** What follows the flags in a bulk answer. */
function restOf({ environment, seq }: Snapshot, behindMs: number, token: string | null): string {
  const metadata = JSON.stringify({ environment, seq, ...(behindMs > 0 ? { behindMs } : {}) });
  if (token === null) return `,"metadata":${metadata}`;
  const requestUri = `/ofrep/v1/stream?token=${token}&seq=${seq}`;
  return `,"metadata":${metadata},"eventStreams":${JSON.stringify([{ type: 'sse', endpoint: { requestUri }, inactivityDelaySec: INACTIVITY_SEC }])}`;
}

function sayHowOld(context: Context<ServeEnv>, behindMs: number): void {
  if (behindMs > 0) context.header('slipway-behind-ms', String(behindMs));
}

function failure(context: Context<ServeEnv>, error: unknown, key: string | null): Response {
  if (!(error instanceof OfrepFailure)) throw error;
  const body = { ...(key === null ? {} : { key }), errorCode: error.code, errorDetails: error.message };
  return context.json(body, 400);
}
