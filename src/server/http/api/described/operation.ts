import { z } from 'zod';
import { described } from '../operation.ts';

const tag = 'Operation';

const readySchema = z
  .object({
    status: z.enum(['ready', 'starting', 'stale', 'stopping']),
    store: z.object({
      reachable: z.boolean(),
      behindMs: z.int().describe('How old what is in memory may be; 0 while the store answers.'),
    }),
  })
  .meta({ id: 'Ready' });

export const LIVE = described({
  method: 'get',
  path: '/health/live',
  tag,
  summary: 'Does the process run?',
  scopes: [],
  answers: { 200: { description: 'It does.', body: z.object({ status: z.literal('live') }) } },
});

export const READY = described({
  method: 'get',
  path: '/health/ready',
  tag,
  summary: 'May it be asked?',
  description:
    'It stays ready while the store is away, because it answers from memory; `store` says so. It is not ready before the store was read once, nor while it stops, nor (`stale`) when the store was away for longer than --stale-limit.',
  scopes: [],
  answers: {
    200: { description: 'Ready.', body: readySchema },
    503: { description: 'Not ready.', body: readySchema },
  },
});

export const CURRENT = described({
  method: 'get',
  path: '/health/current',
  tag,
  summary: 'Does it know the newest flags?',
  description:
    'As /health/ready, and 503 from 5 s without the store on. For balancers that ask all processes when none is well: where only one has lost the store, the others are asked.',
  scopes: [],
  answers: {
    200: { description: 'The store was reached within 5 s.', body: readySchema },
    503: { description: 'It was not, or it is not ready.', body: readySchema },
  },
});

export const METRICS = described({
  method: 'get',
  path: '/metrics',
  tag,
  summary: 'Metrics for Prometheus',
  scopes: ['server-evaluate'],
  answers: { 200: { description: "Prometheus' text format.", text: 'text/plain' } },
});

export const DOCUMENT = described({
  method: 'get',
  path: '/openapi.json',
  tag,
  summary: 'This document',
  scopes: [],
  answers: { 200: { description: 'OpenAPI 3.1.', body: z.record(z.string(), z.json()) } },
});
