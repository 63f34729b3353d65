import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { messageOf, SlipwayError, type Log } from '../kernel/index.ts';
import { FENCE_HEADER } from './fence-header.ts';
import type { Target } from './ports.ts';
import { firstIssue, groupSpecSchema } from './schema.ts';

const MAX_BODY = 1024 * 1024;

/**
 * A target over HTTP, for mounting in the agent: PUT/GET/DELETE `/v1/groups/<encoded id>`, GET
 * `/v1/groups/<encoded id>/output?process=&index=&lines=`, GET `/v1/groups?service=&environment=`. A group that does not exist is `{"group":null}` with 200, so that a wrong path
 * is never taken for an empty machine. Refusals are `{"error":{"code","message","hint"}}`.
 */
export function createTargetRoutes(target: Target, log: Log): Hono {
  const app = new Hono();
  app.put('/v1/groups/:id', bodyLimit({ maxSize: MAX_BODY, onError: tooLarge }), async (context) => {
    const spec = groupSpecSchema.safeParse(await bodyOf(context));
    if (!spec.success) throw new SlipwayError('config_invalid', `The group is not valid: ${firstIssue(spec.error)}`);
    if (spec.data.id !== context.req.param('id'))
      throw new SlipwayError('usage', `The path names ${context.req.param('id')}, the body ${spec.data.id}`);
    await target.apply(fenceOf(context), spec.data);
    return context.body(null, 204);
  });
  app.get('/v1/groups/:id', async (context) => context.json({ group: await target.inspect(context.req.param('id')) }));
  app.get('/v1/groups/:id/output', async (context) => {
    const { process = '', index = '', lines = '' } = context.req.query();
    if (process === '' || ![index, lines].every((one) => /^\d{1,4}$/.test(one)))
      throw new SlipwayError('usage', 'Name a process, an index and how many lines');
    const instance = { process, index: Number(index) };
    return context.json({ lines: await target.output(context.req.param('id'), instance, Number(lines)) });
  });
  app.get('/v1/groups', async (context) => {
    const { service, environment } = context.req.query();
    if (service === undefined || environment === undefined) throw new SlipwayError('usage', 'Name a service and an environment');
    return context.json({ groups: await target.list(service, environment) });
  });
  app.delete('/v1/groups/:id', async (context) => {
    await target.remove(fenceOf(context), context.req.param('id'));
    return context.body(null, 204);
  });
  app.onError((error, context) => answerError(error, context, log));
  return app;
}

function fenceOf(context: Context): number {
  const text = context.req.header(FENCE_HEADER) ?? '';
  if (!/^\d{1,15}$/.test(text)) throw new SlipwayError('usage', `The header ${FENCE_HEADER} must be a whole number`);
  return Number(text);
}

async function bodyOf(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch (error) {
    throw new SlipwayError('usage', 'The body is not JSON', { cause: error });
  }
}

function tooLarge(): never {
  throw new SlipwayError('usage', `The body is larger than ${MAX_BODY} bytes`);
}

function answerError(error: Error, context: Context, log: Log): Response {
  // What is no refusal is our bug; its message may hold anything, so it stays here.
  if (!(error instanceof SlipwayError)) {
    log('error', `${context.req.method} ${context.req.path} failed: ${messageOf(error)}`, { stack: error.stack });
    return context.json({ error: { code: 'internal', message: 'The agent failed on this request; its log says why', hint: '' } }, 500);
  }
  const { code, message, hint } = error;
  return context.json({ error: { code, message, hint } }, error.http as ContentfulStatusCode);
}
