import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import type { Described } from './operation.ts';

/** Of an object that comes as text: a path, a query. */
type Shape = z.ZodType<unknown, Record<string, unknown>>;

/** The description of the API, OpenAPI 3.1 (spec.openapis.org/oas/v3.1). */
export function openApi(operations: readonly Described[], version: string): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const one of operations) paths[one.path] = { ...paths[one.path], [one.method]: described(one) };
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Slipway',
      version,
      description: 'Feature flags: evaluation by OFREP 0.3, and the API that changes them. A token belongs to one environment.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: '`slp_ID_SECRET`, made with `slipway token create`.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
    paths,
  });
}

const errorSchema = z
  .object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) })
  .meta({ id: 'Error', description: 'Every refusal. docs/errors.md lists the codes.' });

const REFUSALS: Readonly<Record<string, string>> = {
  400: 'The request is malformed.',
  401: 'The token is missing, not known, revoked or expired.',
  403: 'The token has not the scope.',
  413: 'The body is too large.',
  429: 'Too many requests.',
  503: 'The store is away, and what is asked for cannot be answered, or not be written, without it.',
};

const AGAIN: ReadonlySet<string> = new Set(['429', '503']);

/** What an operation refuses whatever it does: who may ask needs the store, and is asked too often. */
function refusalsOf({ scopes, body }: Described): readonly string[] {
  return ['400', ...(body === undefined ? [] : ['413']), ...(scopes.length === 0 ? [] : ['401', '403', '429', '503'])];
}

function described(one: Described): ZodOpenApiOperationObject {
  const errors = refusalsOf(one).map((status) => [
    status,
    {
      description: REFUSALS[status] ?? '',
      content: { 'application/json': { schema: errorSchema } },
      ...(AGAIN.has(status) ? { headers: headersOf({ 'Retry-After': 'Seconds until to come again.' }) } : {}),
    },
  ]);
  const answers = Object.entries(one.answers).map(([status, { description, body, text, headers }]) => {
    const isError = Number(status) >= 400;
    const schema = text === undefined ? (body ?? (isError ? errorSchema : undefined)) : z.string();
    return [
      status,
      {
        description,
        ...(schema === undefined ? {} : { content: { [text ?? 'application/json']: { schema } } }),
        ...(headers === undefined ? {} : { headers: headersOf(headers) }),
      },
    ];
  });
  return {
    operationId: idOf(one),
    summary: one.summary,
    ...(one.description === undefined ? {} : { description: one.description }),
    tags: [one.tag],
    security: one.scopes.length === 0 ? [] : [{ bearer: [] }, { apiKey: [] }],
    ...(one.scopes.length === 0 ? {} : { 'x-slipway-scopes': [...one.scopes] }),
    requestParams: {
      ...(one.params === undefined ? {} : { path: one.params as Shape }),
      ...(one.query === undefined ? {} : { query: one.query as Shape }),
      ...(one.headers === undefined ? {} : { header: z.object(headerShape(one.headers)) }),
    },
    ...(one.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: one.body } } } }),
    responses: Object.fromEntries([...errors, ...answers]) as ZodOpenApiOperationObject['responses'],
  };
}

function headerShape(headers: Readonly<Record<string, string>>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(headers).map(([name, what]) => [name, z.string().optional().describe(what)]));
}

function headersOf(headers: Readonly<Record<string, string>>): Record<string, { description: string; schema: { type: 'string' } }> {
  return Object.fromEntries(Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]));
}

/** `getApiV1FlagsKeyHistory`. */
function idOf({ method, path }: Described): string {
  const parts = path.split(/[^A-Za-z0-9]+/).filter((part) => part !== '');
  return method + parts.map((part) => part[0]?.toUpperCase() + part.slice(1)).join('');
}
