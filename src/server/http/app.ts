import { Hono } from 'hono';
import { routePath } from 'hono/route';
import type { TokenStore } from '../../flags/index.ts';
import type { Clock, Log, Redactor } from '../../kernel/index.ts';
import { notFound, onError } from './answers.ts';
import { flagOperations } from './api/flags.ts';
import { DOCUMENT } from './api/described/operation.ts';
import { openApi } from './api/document.ts';
import { operation, register, type Operation } from './api/operation.ts';
import { segmentOperations } from './api/segments.ts';
import { tokenOperations } from './api/tokens.ts';
import type { OwnEventStreams } from './event-streams.ts';
import { healthOperations } from './health.ts';
import { createMetrics } from './metrics.ts';
import type { Mounted, ServeEnv, Serving } from './mount.ts';
import { forPages } from './pages.ts';
import { createOfrep } from './ofrep/routes.ts';
import type { OwnSnapshots } from './snapshots.ts';
import type { TokenDoor } from './token/door.ts';

export interface AppParts {
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly redact: Redactor;
  readonly tokens: TokenStore;
  readonly origins: readonly string[];
  readonly serving: Serving;
  readonly snapshots: OwnSnapshots;
  readonly streams: OwnEventStreams;
  readonly door: TokenDoor;
  readonly parts: readonly Mounted[];
  readonly isStopping: () => boolean;
}

const OFREP = '/ofrep/*';

/** All routes of a server. */
export function createApp(options: AppParts): { readonly app: Hono<ServeEnv>; readonly close: () => void } {
  const { serving, snapshots, streams, door, clock, log, redact } = options;
  const app = new Hono<ServeEnv>();
  const metrics = createMetrics(options.version, snapshots, streams);
  app.onError(onError(log, redact));
  app.notFound(notFound((path) => methodsOf(app, path)));
  app.use(async (context, next) => {
    const began = clock.monotonic();
    await next();
    const ms = clock.monotonic() - began;
    const route = routePath(context, -1);
    metrics.answered(route, context.res.status, ms / 1_000);
    // The template, not the path, and never the query: that is where a stream has its token.
    log('debug', 'answered', { method: context.req.method, route, status: context.res.status, ms: Math.round(ms * 10) / 10 });
  });
  if (options.origins.length > 0) app.use(OFREP, forPages(options.origins));
  const ofrep = createOfrep({ serving, snapshots, door });
  const operations: Operation[] = [
    ...ofrep.operations,
    ...flagOperations({ serving, snapshots }),
    ...segmentOperations({ serving, snapshots }),
    ...tokenOperations(options.tokens, serving),
    ...healthOperations(snapshots, metrics, options.isStopping),
  ];
  let described: object | null = null;
  operations.push(
    operation(DOCUMENT, (_, context) => {
      const all = [...operations, ...options.parts.flatMap((part) => part.described)];
      return context.json((described ??= openApi(all, options.version)));
    }),
  );
  register(app, operations, door.allow);
  for (const part of options.parts) part.routes(app);
  return { app, close: ofrep.close };
}

function methodsOf(app: Hono<ServeEnv>, path: string): readonly string[] {
  const fits = app.routes.filter((route) => route.method !== 'ALL' && patternOf(route.path).test(path));
  return [...new Set(fits.map(({ method }) => method))];
}

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/:\w+/g, '[^/]+')}$`);
}
