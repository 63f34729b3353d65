import { z } from 'zod';
import type { Scope } from '../../../../flags/index.ts';
import { described } from '../operation.ts';
import { segmentSchema } from '../flag-schema.ts';
import { IF_MATCH, keyParam, reason } from '../shared.ts';

const WRITERS: readonly Scope[] = ['write'];
const tag = 'Segments';

const segmentAnswer = z.object({ key: z.string(), revision: z.int(), segment: segmentSchema }).meta({ id: 'StoredSegment' });
const ETAG = { ETag: 'The revision; send it as If-Match with a change.' };

export const LIST = described({
  method: 'get',
  path: '/api/v1/segments',
  tag,
  summary: 'List the segments',
  scopes: WRITERS,
  answers: {
    200: {
      description: 'All segments of the environment.',
      body: z.object({ environment: z.string(), seq: z.int(), segments: z.array(segmentAnswer) }),
    },
  },
});

export const SHOW = described({
  method: 'get',
  path: '/api/v1/segments/{key}',
  tag,
  summary: 'Show a segment',
  scopes: WRITERS,
  params: keyParam,
  answers: {
    200: { description: 'The segment.', body: segmentAnswer, headers: ETAG },
    404: { description: 'There is no such segment.' },
  },
});

export const PUT = described({
  method: 'put',
  path: '/api/v1/segments/{key}',
  tag,
  summary: 'Make or change a segment',
  scopes: WRITERS,
  params: keyParam,
  headers: { 'If-Match': 'The ETag of what the change was made from; left out for a new one.' },
  body: z.strictObject({ segment: segmentSchema, reason: reason.default('') }),
  answers: {
    200: { description: 'It was changed.', body: segmentAnswer, headers: ETAG },
    201: { description: 'It was made.', body: segmentAnswer, headers: ETAG },
    409: { description: 'Somebody else made one of that key in the same moment: nothing was changed.' },
    412: { description: 'There is a newer revision: nothing was changed.' },
    422: { description: 'The segment is wrong, as the message says.' },
    428: { description: 'It is there, and If-Match is missing.' },
  },
});

export const REMOVE = described({
  method: 'delete',
  path: '/api/v1/segments/{key}',
  tag,
  summary: 'Take a segment away',
  scopes: WRITERS,
  params: keyParam,
  query: z.object({ reason: reason.default('') }),
  headers: IF_MATCH,
  answers: {
    200: { description: 'It is gone.', body: z.object({ key: z.string(), revision: z.int(), segment: z.null() }) },
    404: { description: 'There is no such segment.' },
    412: { description: 'There is a newer revision: nothing was changed.' },
    422: { description: 'A flag uses it.' },
    428: { description: 'If-Match is missing.' },
  },
});
