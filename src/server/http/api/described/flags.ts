import { z } from 'zod';
import type { Scope } from '../../../../flags/index.ts';
import { described } from '../operation.ts';
import { flagSchema } from '../flag-schema.ts';
import { changeSchema, historyQuery, IF_MATCH, keyParam, reason } from '../shared.ts';

const READERS: readonly Scope[] = ['write', 'kill'];
const WRITERS: readonly Scope[] = ['write'];
const tag = 'Flags';

const flagAnswer = z.object({ key: z.string(), revision: z.int(), flag: flagSchema }).meta({ id: 'StoredFlag' });
const flagList = z.object({ environment: z.string(), seq: z.int(), flags: z.array(flagAnswer) }).meta({ id: 'FlagList' });
const ETAG = { ETag: 'The revision; send it as If-Match with a change.' };

const CHANGED = {
  200: { description: 'It was changed.', body: flagAnswer, headers: ETAG },
  404: { description: 'There is no such flag.' },
  412: { description: 'There is a newer revision: nothing was changed.' },
  422: { description: 'The flag, or another that needs it, would be wrong, as the message says.' },
  428: { description: 'If-Match is missing.' },
} as const;

const ON_AGAIN = { 409: { description: 'It was killed, and would be on again: undo takes a kill back.' } } as const;

export const LIST = described({
  method: 'get',
  path: '/api/v1/flags',
  tag,
  summary: 'List the flags',
  scopes: READERS,
  answers: { 200: { description: 'All flags of the environment.', body: flagList } },
});

export const CREATE = described({
  method: 'post',
  path: '/api/v1/flags',
  tag,
  summary: 'Make a flag',
  scopes: WRITERS,
  body: z.strictObject({ key: z.string().min(1).max(200), flag: flagSchema, reason: reason.default('') }),
  answers: {
    201: { description: 'It was made.', body: flagAnswer, headers: ETAG },
    409: { description: 'There is one of that key, killed or not: nothing was changed.' },
    422: { description: 'The flag is wrong, as the message says.' },
  },
});

export const SHOW = described({
  method: 'get',
  path: '/api/v1/flags/{key}',
  tag,
  summary: 'Show a flag',
  scopes: READERS,
  params: keyParam,
  answers: { 200: { description: 'The flag.', body: flagAnswer, headers: ETAG }, 404: { description: 'There is no such flag.' } },
});

export const REPLACE = described({
  method: 'put',
  path: '/api/v1/flags/{key}',
  tag,
  summary: 'Change a flag',
  scopes: WRITERS,
  params: keyParam,
  headers: IF_MATCH,
  body: z.strictObject({ flag: flagSchema, reason: reason.default('') }),
  answers: { ...CHANGED, ...ON_AGAIN },
});

export const PATCH = described({
  method: 'patch',
  path: '/api/v1/flags/{key}',
  tag,
  summary: 'Change parts of a flag',
  description: '`flag` is a JSON merge patch (RFC 7396) of the definition: null takes a member away, lists are replaced whole.',
  scopes: WRITERS,
  params: keyParam,
  headers: IF_MATCH,
  body: z.strictObject({ flag: z.record(z.string(), z.json()), reason: reason.default('') }),
  answers: { ...CHANGED, ...ON_AGAIN },
});

export const REMOVE = described({
  method: 'delete',
  path: '/api/v1/flags/{key}',
  tag,
  summary: 'Take a flag away',
  description: 'Clients then serve the default of their code.',
  scopes: WRITERS,
  params: keyParam,
  query: z.object({ reason: reason.default('') }),
  headers: IF_MATCH,
  answers: { ...CHANGED, 200: { description: 'It is gone.', body: z.object({ key: z.string(), revision: z.int(), flag: z.null() }) } },
});

export const HISTORY = described({
  method: 'get',
  path: '/api/v1/flags/{key}/history',
  tag,
  summary: 'What happened to a flag',
  scopes: READERS,
  params: keyParam,
  query: historyQuery,
  answers: { 200: { description: 'Newest first.', body: z.object({ changes: z.array(changeSchema) }) } },
});

const killAnswer = z.object({
  ...flagAnswer.shape,
  dependants: z
    .array(z.object({ flag: z.string(), isMet: z.boolean() }))
    .nullable()
    .describe(
      'Flags that require it: with `isMet` false each serves its safe variant too, with true everybody meets it now. Null: that could not be read.',
    ),
});

export const KILL = described({
  method: 'post',
  path: '/api/v1/flags/{key}/kill',
  tag,
  summary: 'Turn a flag off for everybody, at once',
  description: 'Needs no revision: whatever the flag says, it is off afterwards. Clients are asked to say that they have it.',
  scopes: READERS,
  params: keyParam,
  body: z.strictObject({ reason: reason.min(1) }),
  answers: { 200: { description: 'It is off.', body: killAnswer, headers: ETAG }, 404: { description: 'There is no such flag.' } },
});

const who = z.object({ process: z.string(), host: z.string().nullable(), pid: z.int().nullable() });
const told = z.object({ seq: z.int(), at: z.string(), actor: z.string(), reason: z.string() });

const delivery = z
  .object({
    servers: z.int().describe('Server processes that may answer.'),
    heard: z.int().describe('Of them those that have it.'),
    connected: z.int(),
    acknowledged: z.int().describe('Of the clients that are connected those that have said that they have it.'),
    lastMs: z.number().nullable().describe('From the kill to the last of these.'),
    stale: z
      .array(
        z.object({
          client: z.string(),
          since: z.string(),
          comesBy: z.string().nullable().describe('When one asks again that its server process had no place for.'),
          address: z.string().nullable(),
          token: z.object({ id: z.string(), description: z.string() }).nullable(),
        }),
      )
      .describe('Connected clients that have not said so, a few of each process.'),
    silent: z
      .array(who.extend({ since: z.string(), until: z.string() }))
      .describe('Processes of which nothing is heard; until then each may answer without it.'),
    ended: z
      .array(who.extend({ clients: z.int(), at: z.string(), until: z.string() }))
      .describe('Processes that ended a moment ago, with clients that may be without it until they come back.'),
    lost: z
      .array(who.extend({ clients: z.int(), at: z.string(), named: z.boolean() }))
      .describe('Processes that ended longer ago, with clients that did not come back as far as is known. Nobody waits for these.'),
    complete: z
      .boolean()
      .describe('Every process that may answer has it, and every client that is connected, or lost its process within the last minute.'),
  })
  .meta({ id: 'Delivery', description: 'How far a kill got, as `slipway flag kill` tells it.' });

export const KILLED = described({
  method: 'get',
  path: '/api/v1/flags/{key}/kill',
  tag,
  summary: 'Is it killed, and who has heard of it?',
  description: 'Ask again until `delivery.complete`.',
  scopes: READERS,
  params: keyParam,
  answers: {
    200: {
      description: 'Both are null for a flag that is not killed.',
      body: z.object({ key: z.string(), kill: told.extend({ wasOn: z.boolean(), first: told }).nullable(), delivery: delivery.nullable() }),
    },
    404: { description: 'There is no such flag.' },
  },
});

export const UNDO = described({
  method: 'post',
  path: '/api/v1/flags/{key}/undo',
  tag,
  summary: 'Take back a kill',
  description: 'The flag is as it was before it was killed. One that was turned off in another way is turned on by a change.',
  scopes: READERS,
  params: keyParam,
  body: z.strictObject({ reason: reason.min(1) }),
  answers: {
    200: { description: 'It is on again.', body: flagAnswer, headers: ETAG },
    404: { description: 'There is no such flag.' },
    409: { description: 'It is not off, or was not turned off by a kill.' },
  },
});
