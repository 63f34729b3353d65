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
    412: { description: 'There is one of that key.' },
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
  answers: CHANGED,
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
  answers: CHANGED,
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
  answers: { ...CHANGED, 200: { description: 'It is gone; `flag` is null.' } },
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

export const KILL = described({
  method: 'post',
  path: '/api/v1/flags/{key}/kill',
  tag,
  summary: 'Turn a flag off for everybody, at once',
  description: 'Needs no revision: whatever the flag says, it is off afterwards. Clients are asked to say that they have it.',
  scopes: READERS,
  params: keyParam,
  body: z.strictObject({ reason: reason.min(1) }),
  answers: { 200: { description: 'It is off.', body: flagAnswer, headers: ETAG }, 404: { description: 'There is no such flag.' } },
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
