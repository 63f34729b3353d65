import { z } from 'zod';
import type { Scope } from '../../../../flags/index.ts';
import { described, NO_PLACE } from '../operation.ts';
import { requestSchema } from '../../ofrep/request.ts';
import { bulkSchema, failureSchema, successSchema } from '../../ofrep/schema.ts';

const EVALUATORS: readonly Scope[] = ['client-evaluate', 'server-evaluate'];

export const SINGLE = described({
  method: 'post',
  path: '/ofrep/v1/evaluate/flags/{key}',
  tag: 'OFREP',
  summary: 'Evaluate one flag',
  scopes: EVALUATORS,
  params: z.object({ key: z.string().min(1) }),
  body: requestSchema,
  ownBody: true,
  answers: {
    200: { description: 'The value.', body: successSchema },
    400: { description: 'It could not be evaluated.', body: failureSchema },
    404: { description: 'There is no such flag.', body: failureSchema },
  },
});

export const BULK = described({
  method: 'post',
  path: '/ofrep/v1/evaluate/flags',
  tag: 'OFREP',
  summary: 'Evaluate all flags',
  scopes: EVALUATORS,
  query: z.object({
    flagConfigEtag: z.string().max(200).optional().describe('What a stream event named: nothing older is answered.'),
    flagConfigLastModified: z.string().max(60).optional(),
  }),
  headers: { 'If-None-Match': 'ETag of the last answer; 304 when nothing changed for this context.' },
  body: requestSchema,
  ownBody: true,
  answers: {
    200: {
      description: 'All flags, and where to listen for changes.',
      body: bulkSchema,
      headers: { ETag: 'Of the values for this context.' },
    },
    304: { description: 'Nothing changed for this context.' },
    400: { description: 'The request cannot be evaluated at all.', body: failureSchema },
  },
});

export const STREAM = described({
  method: 'get',
  path: '/ofrep/v1/stream',
  tag: 'OFREP',
  summary: 'Hear of changes',
  description: 'Server-sent events; `data` is `{ type: "refetchEvaluation", etag, lastModified? }`. The URL comes with a bulk answer.',
  scopes: [],
  query: z.object({ token: z.string().max(200), seq: z.string().max(20).optional() }),
  answers: {
    200: { description: 'A stream.', text: 'text/event-stream' },
    401: { description: 'The stream token is not valid any more: ask for all flags again.' },
    429: { description: 'Too many wrong stream tokens came from there; Retry-After says when to come again.' },
    503: NO_PLACE,
  },
});
