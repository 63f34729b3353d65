import { z } from 'zod';
import { described, NO_PLACE, type Described } from '../http/api/operation.ts';

const tag = 'Rules';
const scopes = ['server-evaluate'] as const;
const LAST = { 'Last-Event-ID': 'The `seq` that the client has: it is sent what came after.' } as const;

const signed = z
  .object({ payload: z.string(), signature: z.string(), key: z.string() })
  .meta({ id: 'Signed', description: 'A signed document; docs/flags/protocol.md says of what and how.' });

/** Ids go into what processes tell each other in the store, of which nobody can read anything where there is a NUL or half a character in it. */
const id = z
  .string()
  .max(128)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must be text without control characters');

const client = id.describe('An id that the client made when it started.');

const environment = z.string().max(100).describe('The one that the client wants: a token of any other is refused (`token_environment`).');

export const ACKNOWLEDGEMENT = z.object({
  client,
  seq: z.int().nonnegative(),
  process: id.optional().describe('What the event `server` of its stream said.'),
});

/** What a stream is opened with, beyond its token. */
export const STREAM_QUERY = z.object({ client: client.optional(), environment: environment.optional() });

/** More counts at once are sent in parts. */
const MOST_COUNTS = 1_000;

export const TELEMETRY = z.object({
  client,
  now: z.int().optional().describe('What time it is by the clock of the client, so that a clock that is set wrong does no harm.'),
  counts: z
    .array(
      z.object({
        flag: z.string().min(1).max(256),
        variant: z.string().min(1).max(256),
        from: z.int(),
        to: z.int(),
        count: z.int().positive().max(1e12),
      }),
    )
    .max(MOST_COUNTS),
});

/** The routes, as the document of the API tells them; bodies are checked by what stands here. */
export const DESCRIBED: readonly Described[] = [
  described({
    method: 'get',
    path: '/flags/v1/stream',
    tag,
    summary: 'Hear the rules, and every change of them',
    description: 'Server-sent events, signed. docs/flags/protocol.md describes them.',
    scopes,
    query: STREAM_QUERY,
    headers: LAST,
    answers: { 200: { description: 'A stream.', text: 'text/event-stream' }, 503: NO_PLACE },
  }),
  described({
    method: 'get',
    path: '/flags/v1/snapshot',
    tag,
    summary: 'The rules, whole',
    scopes,
    query: z.object({ environment: environment.optional() }),
    headers: { 'If-None-Match': 'ETag of what the client has.' },
    answers: {
      200: {
        description: 'A signed flag set.',
        body: signed,
        headers: { ETag: '`"SEQ-TAG"`', Age: 'Seconds since the store was reached.' },
      },
      304: { description: 'Nothing newer.' },
    },
  }),
  described({
    method: 'post',
    path: '/flags/v1/acknowledge',
    tag,
    summary: 'Say what a client has applied',
    scopes,
    body: ACKNOWLEDGEMENT,
    answers: {
      204: { description: 'It was heard.' },
      409: { description: 'The server does not have that change itself, or not yet: try again.' },
    },
  }),
  described({
    method: 'post',
    path: '/flags/v1/telemetry',
    tag,
    summary: 'Say how often variants were served',
    scopes,
    body: TELEMETRY,
    answers: { 204: { description: 'It was counted.' } },
  }),
];
