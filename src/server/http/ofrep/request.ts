import { z } from 'zod';
import type { FlagContext } from '../../../flags/index.ts';
import { BodyError, parseJson } from '../body.ts';

/** Why a request as a whole cannot be evaluated, in OFREP's words. */
export class OfrepFailure extends Error {
  readonly code: 'PARSE_ERROR' | 'INVALID_CONTEXT';

  constructor(code: OfrepFailure['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The body of both requests. A context without a targeting key is taken: flags that need one serve their safe variant, and the others
 * are right (a web page that nobody is logged in to has none).
 */
export const requestSchema = z
  .looseObject({
    context: z
      .looseObject({ targetingKey: z.string().optional().describe('Whom the flags are evaluated for.') })
      .describe('Attributes that rules may ask for.'),
  })
  .meta({ id: 'EvaluationRequest' });

/** @throws OfrepFailure */
export function readContext(body: string): FlagContext {
  let json: unknown;
  try {
    json = parseJson(body);
  } catch (error) {
    if (error instanceof BodyError) throw new OfrepFailure('PARSE_ERROR', error.message);
    throw error;
  }
  const parsed = requestSchema.safeParse(json);
  if (parsed.success) return parsed.data.context as FlagContext;
  const [issue] = parsed.error.issues;
  throw new OfrepFailure('INVALID_CONTEXT', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}
