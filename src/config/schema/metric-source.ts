import { z } from 'zod';
import { parseSelector, problemOfQuery } from '../../analysis/index.ts';
import type { Ask, SourceDefinition } from '../domain.ts';
import { argv, COMMAND_REFERENCES } from './command.ts';
import { duration, nonBlank, positiveDuration, template, variables } from './scalars.ts';

const FROM = ['prometheus', 'otlp', 'command'] as const;

const url = template([])
  .refine((text) => /^(https?:\/\/|\$\{)/.test(text), 'must be an http(s) URL or a reference such as ${env:PROMETHEUS_URL}')
  .refine((text) => !/^https?:\/\/[^/?#]*@/.test(text), 'must hold no credentials: give `token`, by reference');
const token = template([]).refine((text) => text.includes('${'), 'must be a reference such as ${secret:PROMETHEUS_TOKEN}');

/** Where numbers come from, the same for metrics, guards and facts. */
export const sourceFields = {
  from: z.literal(FROM).describe('prometheus, otlp (what services send to the agent) or command.'),
  url: url.optional().describe('Address of the Prometheus, such as ${env:PROMETHEUS_URL}.'),
  token: token.optional().describe('Bearer token for it, by reference.'),
  run: argv(COMMAND_REFERENCES).optional().describe('Command that prints the counts as JSON.'),
  env: variables(COMMAND_REFERENCES).optional().describe('Variables for the command.'),
  every: duration.refine((ms) => ms >= 1_000, 'must be at least 1s').optional().describe('Time between two readings (default 10s).'),
  timeout: positiveDuration.optional().describe('Longest time one reading may take (default 5s).'),
};

export const gaugeField = nonBlank.optional().describe('Query or name of the value.');

type SourceGiven = z.output<z.ZodObject<typeof sourceFields>>;
export type Refuse = (key: string, message: string) => void;

export function refuserOf(context: z.core.$RefinementCtx): Refuse {
  return (key, message) => context.addIssue({ code: 'custom', path: key === '' ? [] : [key], message });
}

export interface Asked {
  readonly ask: Ask;
  readonly queries: Readonly<Record<string, string | undefined>>;
}

export function toSource(given: SourceGiven, { ask, queries }: Asked, refuse: Refuse): SourceDefinition {
  const { from, url: address = '', token: bearer = null, run = [], env = {}, every = 10_000, timeout = 5_000 } = given;
  refuseForeign(given, queries, refuse);
  refuseMissing(from, { address, run }, refuse);
  if (from !== 'command') refuseQueries(from, queries, refuse);
  const pace = { everyMs: every, timeoutMs: timeout };
  switch (from) {
    case 'prometheus':
      return { from, url: address, token: bearer, ask, ...pace };
    case 'otlp':
      return { from, ask, ...pace };
    case 'command':
      return { from, argv: run, env, ...pace };
  }
}

function refuseMissing(from: SourceGiven['from'], { address, run }: { readonly address: string; readonly run: readonly string[] }, refuse: Refuse): void {
  if (from === 'prometheus' && address === '') refuse('', 'needs `url`: the address of the Prometheus');
  if (from === 'command' && run.length === 0) refuse('', 'needs `run`: the command that prints the counts');
}

function refuseQueries(from: 'prometheus' | 'otlp', queries: Asked['queries'], refuse: Refuse): void {
  for (const [key, query] of Object.entries(queries)) {
    const problem = query === undefined ? null : problemOf(from, query);
    if (problem !== null) refuse(key, problem);
  }
}

/** The source of one value. */
export function toGauge(given: SourceGiven & { readonly gauge?: string | undefined }, refuse: Refuse): SourceDefinition {
  if (given.from !== 'command' && given.gauge === undefined) refuse('', 'needs `gauge`: the query or name of the value');
  return toSource(given, { ask: { kind: 'gauge', gauge: given.gauge ?? '' }, queries: { gauge: given.gauge } }, refuse);
}

/** Keys of another source would be ignored, and somebody meant something by them. */
function refuseForeign(given: SourceGiven, queries: Asked['queries'], refuse: Refuse): void {
  const { from, url, token, run, env } = given;
  const foreign = { ...(from === 'prometheus' ? {} : { url, token }), ...(from === 'command' ? queries : { run, env }) };
  for (const [key, value] of Object.entries(foreign)) if (value !== undefined) refuse(key, `has no meaning with \`from: ${from}\`; delete it`);
}

function problemOf(from: 'prometheus' | 'otlp', query: string): string | null {
  if (from === 'prometheus') return problemOfQuery(query);
  return parseSelector(query) === null ? 'must be a metric name, with attributes where needed: payments{result="failed"}' : null;
}
