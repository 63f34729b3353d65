import { z } from 'zod';
import {
  columnShape,
  relationShape,
  SHORTEST_UNEXPLAINED_WINDOW_MS,
  USUAL_WINDOW_MS,
  type Allowed,
  type ContractDefinition,
  type FallbackCounter,
  type OldShape,
} from '../../database/index.ts';
import { parseSelector } from '../../analysis/index.ts';
import { formatDuration } from '../../kernel/index.ts';
import { sourceFields } from './metric-source.ts';
import { nonBlank, orElse, percent, positiveDuration, reason, section } from './scalars.ts';

const allow = section({
  statement: nonBlank.optional().describe('Text of a counted statement, as the check says it.'),
  client: z.string().optional().describe('application_name of sessions; "" for those without one.'),
  dependant: nonBlank.optional().describe('A view, function or other thing, as the check names it.'),
  because: reason.describe('Why it does without the old shape.'),
});

const fallbackFields = {
  from: z.literal(['instances', 'prometheus']).describe("instances (the service's own /metrics) or prometheus."),
  counter: nonBlank
    .refine((text) => parseSelector(text) !== null, 'must be a metric name, with labels where needed: read_fallback_total{shape="customer-name"}')
    .optional()
    .describe('The counter (default: read_fallback_total{shape="NAME"}, as the service kit counts).'),
  url: sourceFields.url,
  token: sourceFields.token,
};

/** A file of the folder `contracts`. */
export const contractSchema = section({
  drops: z.union([nonBlank, z.array(nonBlank).min(1)]).describe('What goes: table, or table.column; with the schema in front where it is not in the search path (schema.table.column).'),
  'replaced-by': nonBlank.optional().describe('What takes its place, for people.'),
  since: nonBlank.optional().describe('First version that does without it (default: what a proof has shown).'),
  window: positiveDuration.optional().describe('For how long no version that needs it, and no reader, may have been there (default 7d).'),
  because: reason.optional().describe('Why the window is shorter than a day.'),
  backfill: nonBlank.optional().describe('Backfill that filled the new shape; its verification must pass.'),
  mismatch: section({
    table: nonBlank.describe('Table in which both shapes are.'),
    key: z.array(nonBlank).min(1).optional().describe('Columns of a unique index, to name rows by (default: the primary key).'),
    where: nonBlank.describe('SQL condition that is true of a row in which both shapes disagree.'),
    allow: percent.optional().describe('Share of rows that may disagree (default 0%).'),
  }).optional().describe('How rows are found in which both shapes disagree.'),
  fallback: z
    .union([nonBlank, section(fallbackFields)], 'a query with one number, or { from: instances } or { from: prometheus, url }')
    .optional()
    .describe('How many reads fell back to the old shape: a query with one number, or a counter of the service.'),
  allow: z.array(allow).optional().describe('What was found and is known to do no harm.'),
});

type Entry = z.output<typeof contractSchema>;
type Complain = (path: readonly string[], message: string) => void;

/** What the file says, in the words of the database room; what does not fit together is told to `complain`. */
export function toContract(name: string, given: Entry, complain: Complain): ContractDefinition | null {
  const names = typeof given.drops === 'string' ? given.drops.split(',').map((one) => one.trim()) : given.drops;
  const drops = names.map(shapeOf);
  if (drops.some((one) => one === null)) {
    complain(['drops'], 'is not table, table.column or schema.table.column');
    return null;
  }
  const windowMs = given.window ?? USUAL_WINDOW_MS;
  const because = given.because ?? null;
  if (windowMs < SHORTEST_UNEXPLAINED_WINDOW_MS && because === null)
    complain(['window'], `is shorter than a day, which needs a reason: window: ${formatDuration(windowMs)} and because: "..."`);
  return {
    name,
    drops: drops.filter((one) => one !== null),
    replacedBy: orElse<string | null>(given['replaced-by'], null),
    since: orElse<string | null>(given.since, null),
    windowMs,
    because: windowMs < SHORTEST_UNEXPLAINED_WINDOW_MS ? because : null,
    backfill: orElse<string | null>(given.backfill, null),
    mismatch: mismatchOf(given),
    fallback: fallbackOf(name, given, complain),
    allow: (given.allow ?? []).flatMap((one, index) => allowedOf(one, index, complain)),
  };
}

const PART = /^(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"]|"")+")$/u;

/** As SQL reads names: in lower case unless quoted. */
function shapeOf(text: string): OldShape | null {
  const parts = text.match(/"(?:[^"]|"")*"|[^.]+/g) ?? [];
  if (parts.join('.') !== text || parts.length > 3 || !parts.every((part) => PART.test(part))) return null;
  const path = parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase()));
  const last = path.at(-1);
  return path.length === 1 || last === undefined ? relationShape(path) : columnShape(path.slice(0, -1), last, 'drop');
}

function fallbackOf(name: string, { fallback }: Entry, complain: Complain): FallbackCounter | null {
  if (fallback === undefined) return null;
  if (typeof fallback === 'string') return { kind: 'sql', query: fallback };
  const { from, url, token = null, counter = `read_fallback_total{shape="${name}"}` } = fallback;
  if (from === 'prometheus') {
    if (url === undefined) complain(['fallback'], 'needs `url`: the address of the Prometheus');
    return { kind: 'prometheus', url: url ?? '', token, counter };
  }
  if (url !== undefined || token !== null) complain(['fallback'], 'has a `url` or `token` that mean nothing with `from: instances`; delete them');
  return { kind: 'instances', counter };
}

function mismatchOf({ mismatch }: Entry): ContractDefinition['mismatch'] {
  if (mismatch === undefined) return null;
  const { table, where, key, allow: share } = mismatch;
  return { table, where, key: orElse<readonly string[] | null>(key, null), allow: share ?? 0 };
}

function allowedOf(given: NonNullable<Entry['allow']>[number], index: number, complain: Complain): readonly Allowed[] {
  const { statement, client, dependant, because } = given;
  const named = (['statement', 'client', 'dependant'] as const).filter((kind) => given[kind] !== undefined);
  const [kind, second] = named;
  if (kind === undefined || second !== undefined) {
    complain(['allow', String(index)], 'names one of `statement`, `client` and `dependant`');
    return [];
  }
  return [{ kind, name: statement ?? client ?? dependant ?? '', because }];
}
