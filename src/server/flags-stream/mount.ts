import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { eventFrame, type Signer } from '../../flags/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import { parseJson, readText } from '../http/body.ts';
import { Later } from '../http/later.ts';
import type { Mount, Mounted, ServeEnv, Serving } from '../http/mount.ts';
import type { Channel } from './channel.ts';
import { createChannels, type Channels } from './channels.ts';
import { ACKNOWLEDGEMENT, DESCRIBED, STREAM_QUERY, TELEMETRY } from './described.ts';
import { watchTokens, type Holders } from './holders.ts';
import { startRelay } from './relay.ts';
import { startReports, type Reports } from './reports.ts';
import { answerSnapshot } from './snapshot.ts';
import { openAll, tellWhenAway } from './watch.ts';

const MOST_BYTES = 64 * 1024;
const MOST_NAME = 100;

/** The rules, for clients that evaluate themselves: stream, snapshot, acknowledgements and counts (`docs/flags/protocol.md`). */
export function flagStream(signer: Signer): Mount {
  return (serving) => {
    const channels = createChannels(serving, signer);
    const reports = startReports(serving, channels.all);
    const holders = watchTokens(serving);
    const relay = startRelay(serving, channels, reports.moved);
    const stops = [tellWhenAway(serving, channels), openAll(serving, channels), holders.stop, relay.stop];
    const parts: Parts = { serving, channels, reports };
    const close = async (): Promise<void> => {
      stops.forEach((stop) => stop());
      // Before anybody is told to go, for it is counted who must come back.
      const reported = reports.stop();
      for (const channel of channels.all()) channel.send(byeFrame(channel));
      channels.close();
      await reported;
    };
    const routes = (app: Hono<ServeEnv>): void => {
      const allowed = serving.allow('server-evaluate');
      app.get('/flags/v1/stream', allowed, (context) => openStream(parts, holders, context));
      app.get('/flags/v1/snapshot', allowed, async (context) =>
        answerSnapshot(context, (await channelOf(parts, context)).encoded(), serving.snapshots.behindMs()),
      );
      app.post('/flags/v1/acknowledge', allowed, async (context) => {
        const channel = await channelOf(parts, context);
        const { client, seq, process = serving.process } = await bodyOf(context, ACKNOWLEDGEMENT);
        // Somebody has what is not here yet: of a history that ended with a restored backup, or told by another process a moment ago.
        if (seq > channel.current().seq)
          throw new SlipwayError('not_possible_now', `Change ${seq} is not here`, { hint: 'Try again in a moment.' });
        if (process === serving.process) {
          channel.clients.acknowledge(client, seq, serving.clock.now());
          reports.moved(channel);
        } else await relay.pass(channel, { process, client, seq });
        return context.body(null, 204);
      });
      app.post('/flags/v1/telemetry', allowed, async (context) => {
        const channel = await channelOf(parts, context);
        const told = await bodyOf(context, TELEMETRY);
        channel.clients.heard(told.client, serving.clock.now());
        serving.counts.told(channel.current(), told);
        return context.body(null, 204);
      });
    };
    return { routes, close, described: DESCRIBED } satisfies Mounted;
  };
}

interface Parts {
  readonly serving: Serving;
  readonly channels: Channels;
  readonly reports: Reports;
}

async function openStream(parts: Parts, holders: Holders, context: Context<ServeEnv>): Promise<Response> {
  const { serving, reports } = parts;
  const channel = await channelOf(parts, context);
  const token = context.get('token');
  const name = clientIn(context);
  const from = { address: serving.addressOf(context), token: { id: token.id, description: token.description } };
  const client = { id: name ?? serving.ids.token(), from };
  const position = context.req.header('last-event-id') ?? null;
  const ends: (() => void)[] = [() => reports.moved(channel)];
  try {
    const { stream, response } = serving.streams.open(context, token, () => ends.forEach((end) => end()));
    ends.unshift(channel.join(client, position, stream), holders.add(token, stream));
    return response;
  } catch (error) {
    // Without a name nobody could say that it came again.
    if (error instanceof Later && name !== undefined) channel.refuse(client, position, error.afterMs);
    throw error;
  } finally {
    reports.moved(channel);
  }
}

/** Of the environment that the request's token belongs to. @throws SlipwayError `token_environment`, `store_unreachable`, `flags_stale` */
async function channelOf({ serving, channels }: Parts, context: Context<ServeEnv>): Promise<Channel> {
  const { environment } = context.get('token');
  refuseOther(serving, context);
  // Not for what it answers: it refuses while nothing may be answered, and a channel that is open would not.
  await serving.snapshots.get(environment);
  return channels.get(environment);
}

/**
 * A client that wants another environment would refuse whatever it is sent, and never acknowledge a change that is none of its business.
 * @throws SlipwayError `token_environment`
 */
function refuseOther({ refusals }: Pick<Serving, 'refusals'>, context: Context<ServeEnv>): void {
  const token = context.get('token');
  const { id, environment } = token;
  const wanted = context.req.query('environment')?.slice(0, MOST_NAME);
  if (wanted === undefined || wanted === environment) return;
  refusals.note(context, { why: 'environment', token, more: { wanted } });
  throw new SlipwayError('token_environment', `The token ${id} is of ${environment}, and the client wants ${wanted}`, {
    hint: `Give the client a token of ${wanted}, or have it want ${environment}.`,
  });
}

/** What the client calls itself. @throws SlipwayError `request_invalid` for what can be no name */
function clientIn(context: Context<ServeEnv>): string | undefined {
  const asked = STREAM_QUERY.safeParse(context.req.query());
  if (asked.success) return asked.data.client;
  throw new SlipwayError('request_invalid', z.prettifyError(asked.error));
}

/** The more clients there are, the longer the time in which they come back, so that whoever takes them is not run over. */
function byeFrame({ clients }: Channel): Buffer {
  const within = Math.round(clients.connected() / 3);
  return eventFrame('bye', JSON.stringify({ reconnectWithinMs: Math.min(10_000, Math.max(1_000, within)) }));
}

async function bodyOf<T>(context: Context<ServeEnv>, shape: z.ZodType<T>): Promise<T> {
  const parsed = shape.safeParse(parseJson(await readText(context.env.incoming, MOST_BYTES)));
  if (parsed.success) return parsed.data;
  throw new SlipwayError('usage', `The body is not what ${context.req.path} takes: ${z.prettifyError(parsed.error)}`, {
    hint: 'docs/flags/protocol.md describes it.',
  });
}
