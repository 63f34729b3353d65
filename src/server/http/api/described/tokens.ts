import { z } from 'zod';
import type { Scope } from '../../../../flags/index.ts';
import { described } from '../operation.ts';
import { NO_NUL, reason } from '../shared.ts';

const WRITERS: readonly Scope[] = ['write'];
const tag = 'Tokens';

const tokenSchema = z
  .object({
    id: z.string(),
    environment: z.string(),
    scopes: z.array(z.enum(['client-evaluate', 'server-evaluate', 'write', 'kill'])),
    description: z.string(),
    createdBy: z.string(),
    createdAt: z.string(),
    expiresAt: z.string().nullable(),
    revokedAt: z.string().nullable(),
    revokedBy: z.string().nullable(),
    revokeReason: z.string().nullable(),
    lastUsedAt: z.string().nullable().describe('To the minute.'),
  })
  .meta({ id: 'Token' });

export const LIST = described({
  method: 'get',
  path: '/api/v1/tokens',
  tag,
  summary: 'List the tokens',
  scopes: WRITERS,
  answers: { 200: { description: 'Without their secrets, which nobody has.', body: z.object({ tokens: z.array(tokenSchema) }) } },
});

export const CREATE = described({
  method: 'post',
  path: '/api/v1/tokens',
  tag,
  summary: 'Make a token',
  description:
    'A token with write may make any that evaluates or writes, and one that kills when it may kill itself. One that expires makes none that lasts longer.',
  scopes: WRITERS,
  body: z.strictObject({
    scopes: z
      .array(z.enum(['client-evaluate', 'server-evaluate', 'write', 'kill']))
      .min(1)
      .max(4),
    description: z
      .string()
      .max(200)
      .regex(...NO_NUL)
      .default(''),
    expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
  }),
  answers: {
    201: {
      description: 'The token; its text is told here and never again.',
      body: z.object({ token: z.string().describe('slp_ID_SECRET'), ...tokenSchema.shape }),
    },
  },
});

export const REVOKE = described({
  method: 'delete',
  path: '/api/v1/tokens/{id}',
  tag,
  summary: 'End a token, for ever',
  description:
    'Every server process refuses it within 3 seconds, and ends the streams that it opened. One that may kill is revoked by one that may kill.',
  scopes: WRITERS,
  params: z.object({
    id: z
      .string()
      .min(1)
      .max(64)
      .regex(...NO_NUL),
  }),
  query: z.object({ reason: reason.default('') }),
  answers: { 204: { description: 'It is revoked.' }, 404: { description: 'There is no such token, or it was revoked before.' } },
});
