import { z } from 'zod';
import type { HttpCheck, SmokeCheck, SmokeDefinition } from '../domain.ts';
import { commandFields, commandOf, COMMAND_REFERENCES } from './command.ts';
import { json, nonBlank, positiveDuration, reason, section, template } from './scalars.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const REQUEST = new RegExp(`^(${METHODS.join('|')}) (/\\S*)$`);
const CHECK_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 60_000;

/** `GET /products` -> method and path. */
const request = z
  .string()
  .regex(REQUEST, 'must be a method and a path, such as "GET /products"')
  .transform((text) => {
    const [, method = '', path = ''] = REQUEST.exec(text) ?? [];
    return { method, path };
  });

const status = z.int().min(100).max(599);

const httpFields = {
  http: request.describe('Method and path on the service, such as `POST /orders`.'),
  name: nonBlank.optional().describe('What the check is called in the evidence.'),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'is not a header name'), template(COMMAND_REFERENCES)).optional().describe('Request headers.'),
  body: json.optional().describe('JSON body to send.'),
  status: z.union([status, z.array(status).min(1)]).optional().describe('Expected status or list of them (default 200; any usual 2xx for other methods than GET).'),
  json: json.optional().describe('Values the JSON answer must contain.'),
  timeout: positiveDuration.optional().describe('Longest time for one try (default 5s; 60s for `run`).'),
  cleanup: request.optional().describe('Request that removes what the check wrote; {id} is filled in from the JSON answer.'),
};

const sqlFields = {
  sql: nonBlank.describe('One query; it should read only.'),
  expect: json.describe('Values the first row must contain.'),
  name: httpFields.name,
  timeout: httpFields.timeout,
};

type HttpFields = z.output<ReturnType<typeof section<typeof httpFields>>>;

const check = z.union([request, section(httpFields), section(sqlFields), section({ ...commandFields, name: httpFields.name })]).transform((given): SmokeCheck => {
  if ('method' in given) return httpCheck({ http: given });
  if ('http' in given) return httpCheck(given);
  if ('sql' in given) return { kind: 'sql', name: given.name ?? shorten(given.sql), query: given.sql, expect: given.expect, timeoutMs: given.timeout ?? CHECK_TIMEOUT_MS };
  return { kind: 'command', name: given.name ?? shorten(given.run.join(' ')), command: commandOf(given, true, COMMAND_TIMEOUT_MS) };
});

function httpCheck(given: HttpFields): HttpCheck {
  const { method, path } = given.http;
  const usual = method === 'GET' || method === 'HEAD' ? [200] : [200, 201, 202, 204];
  return {
    kind: 'http',
    name: given.name ?? `${method} ${path}`,
    method,
    path,
    headers: given.headers ?? {},
    body: given.body ?? null,
    expectStatus: typeof given.status === 'number' ? [given.status] : (given.status ?? usual),
    expectJson: given.json ?? null,
    timeoutMs: given.timeout ?? CHECK_TIMEOUT_MS,
    cleanup: given.cleanup ?? null,
  };
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
}

export const smokeFields = {
  read: z
    .union([z.array(check), section({ none: reason.describe('Why nothing can be read; it goes into the evidence.') })], 'a list of checks, or { none: "why there is nothing to read" }')
    .optional()
    .describe('Checks that only read; or { none: "reason" }.'),
  write: z
    .union([z.array(check), section({ none: reason.describe('Why nothing can be written; it goes into the evidence.') })], 'a list of checks, or { none: "why there is nothing to write" }')
    .optional()
    .describe('Checks that write, each with its cleanup; or { none: "reason" }.'),
  worker: z.array(check).optional().describe('Checks that background work is done.'),
  'expect-version': z.boolean().optional().describe('The health endpoint must answer with the version being released (default true).'),
  within: positiveDuration.optional().describe('Time a check may keep retrying (default 30s).'),
};

/** No checks at all is allowed here; the gate calls it `unknown`. */
export const smoke = section(smokeFields).transform(
  (given): SmokeDefinition => ({
    read: Array.isArray(given.read) ? given.read : [],
    noReads: given.read !== undefined && 'none' in given.read ? given.read.none : null,
    write: Array.isArray(given.write) ? given.write : [],
    noWrites: given.write !== undefined && 'none' in given.write ? given.write.none : null,
    worker: given.worker ?? [],
    expectVersion: given['expect-version'] ?? true,
    withinMs: given.within ?? 30_000,
  }),
);

export const NO_SMOKE: SmokeDefinition = { read: [], noReads: null, write: [], noWrites: null, worker: [], expectVersion: true, withinMs: 30_000 };
