import { z } from 'zod';

/** What OFREP answers, for the document. */

const metadata = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const successSchema = z
  .object({
    key: z.string(),
    reason: z.enum(['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT', 'DISABLED']),
    variant: z.string(),
    value: z.json(),
  })
  .meta({ id: 'EvaluationSuccess' });

export const failureSchema = z
  .object({
    key: z.string().optional(),
    errorCode: z.enum(['PARSE_ERROR', 'INVALID_CONTEXT', 'FLAG_NOT_FOUND', 'GENERAL']),
    errorDetails: z.string().optional(),
  })
  .meta({ id: 'EvaluationFailure' });

export const bulkSchema = z
  .object({
    flags: z.array(z.union([successSchema, failureSchema])),
    metadata: metadata.describe('`environment`, `seq`, and `behindMs` while the store is away.'),
    eventStreams: z
      .array(
        z.object({
          type: z.literal('sse'),
          endpoint: z.object({ requestUri: z.string() }),
          inactivityDelaySec: z.int(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'BulkEvaluation' });
