import type { Context, Hono, MiddlewareHandler } from 'hono';
import type { z } from 'zod';
import type { Scope } from '../../../flags/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import { parseJson, readText } from '../body.ts';
import type { ServeEnv, Serving } from '../mount.ts';

const MOST_BYTES = 1024 * 1024;
/** More are not read. */
const MOST_TOLD = 5;

/** What comes back with one status: of a body its shape, for the document. */
interface Answer {
  readonly description: string;
  readonly body?: z.ZodType;
  /** Of a body that is no JSON: its media type. */
  readonly text?: 'text/event-stream' | 'text/plain';
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of a stream. */
export const NO_PLACE: Answer = {
  description: 'This process has as many streams as it may (`too_many_streams`), or may not answer at the moment.',
  headers: { 'Retry-After': 'Seconds until to come again; ask for the flags themselves meanwhile.' },
};

/** One thing the API does: how it is asked, who may, and what it answers. The requests are checked by what the document says of them. */
export interface Described<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** `/api/v1/flags/{key}` */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  /** A token with one of these; none: no token is asked for. */
  readonly scopes: readonly Scope[];
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** Of the request, beyond the token. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<`${number}`, Answer>>;
  /** True when the handler checks the body itself. */
  readonly ownBody?: boolean;
}

type Handle<Params, Query, Body> = (
  asked: { readonly params: Params; readonly query: Query; readonly body: Body },
  context: Context<ServeEnv>,
) => Promise<Response> | Response;

/** With the code that does it. */
export interface Operation extends Described {
  readonly handle: Handle<unknown, unknown, unknown>;
}

/** Lets the types of a request be read off its schemas. */
export function described<Params = undefined, Query = undefined, Body = undefined>(
  what: Described<Params, Query, Body>,
): Described<Params, Query, Body> {
  return what;
}

export function operation<Params, Query, Body>(what: Described<Params, Query, Body>, handle: Handle<Params, Query, Body>): Operation {
  // What a handler is given was checked by the same schemas.
  return { ...what, handle: handle as Handle<unknown, unknown, unknown> };
}

/** Puts operations into the server. */
export function register(app: Hono<ServeEnv>, operations: readonly Operation[], allow: Serving['allow']): void {
  for (const one of operations) {
    const path = one.path.replaceAll(/\{(\w+)\}/g, ':$1');
    const guard: MiddlewareHandler<ServeEnv> = one.scopes.length === 0 ? (_, next) => next() : allow(...one.scopes);
    app.on(one.method.toUpperCase(), path, guard, async (context) => {
      const params = check(one.params, context.req.param(), 'path');
      const query = check(one.query, context.req.query(), 'query');
      const body =
        one.body === undefined || one.ownBody === true
          ? undefined
          : check(one.body, parseJson(await readText(context.env.incoming, MOST_BYTES)), 'body');
      return one.handle({ params, query, body }, context);
    });
  }
}

function check<T>(schema: z.ZodType<T> | undefined, value: unknown, where: string): T {
  if (schema === undefined) return undefined as T;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const problems = issues.slice(0, MOST_TOLD).map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`);
  const more = issues.length > MOST_TOLD ? `; and ${issues.length - MOST_TOLD} more` : '';
  throw new SlipwayError('request_invalid', `${problems.join('; ').slice(0, 1_000)}${more}`);
}
