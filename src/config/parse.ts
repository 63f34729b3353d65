import { createRedactor, isJsonObject, SlipwayError, type JsonObject, type JsonValue } from '../kernel/index.ts';
import { nearest } from './core/nearest.ts';
import { overlay } from './core/overlay.ts';
import { pathText, renderProblems, tidyProblems, type Problem } from './core/problem.ts';
import { toDefinition } from './definition.ts';
import type { Definition } from './domain.ts';
import { complaintsOf, type Complaint } from './issues.ts';
import { fileSchema, layersSchema } from './schema/file.ts';
import { secretsInText, secretsInValues } from './secrets.ts';
import { readSource, type Source } from './source.ts';

export interface ParseOptions {
  /** How the file is called in messages. */
  readonly file: string;
  /** `dev` when none is given. */
  readonly environment?: string | undefined;
}

export type CheckedConfig =
  | { readonly ok: true; readonly definition: Definition }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Names that need no `environments` section. */
const USUAL_ENVIRONMENTS = ['dev', 'stg', 'prd'];

/**
 * Reads a slipway.yaml for one environment.
 * @throws SlipwayError `config_invalid` with all problems of the file (also of its other environments), each with its place;
 *   `secret_in_config` when one of them is a secret's literal value; `usage` when the file has no such environment
 */
export function parseConfig(text: string, options: ParseOptions): Definition {
  const checked = checkConfig(text, options);
  if (checked.ok) return checked.definition;
  const shown = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const message = renderProblems(options.file, shown, checked.problems, createRedactor());
  throw new SlipwayError(checked.problems.some((problem) => problem.secret) ? 'secret_in_config' : 'config_invalid', message);
}

/**
 * The same as {@link parseConfig} with the problems as a value.
 * @throws SlipwayError `usage` when the file has no such environment
 */
export function checkConfig(text: string, options: ParseOptions): CheckedConfig {
  const read = readSource(text);
  if (!read.ok) return { ok: false, problems: tidyProblems([...secretsInText(read.text), ...read.problems]) };
  const { source } = read;
  const environment = chooseEnvironment(source.value, options);
  const secrets = [...secretsInValues(source), ...secretsInText(source.text)];
  const onePerLine = [...new Map(secrets.toReversed().map((problem) => [problem.line, problem])).values()];
  const outcomes = environmentNames(source.value, environment).map((name) => readEnvironment(source, name));
  const complaints = [...checkLayers(source), ...outcomes.flatMap((outcome) => outcome.problems)];
  const problems = tidyProblems([...complaints, ...onePerLine]);
  const definition = outcomes.find((outcome) => outcome.name === environment)?.definition;
  return problems.length > 0 || definition === undefined ? { ok: false, problems } : { ok: true, definition };
}

interface Outcome {
  readonly name: string;
  readonly definition?: Definition;
  readonly problems: readonly Problem[];
}

/** The file's top level with one environment's overrides, as a definition. */
function readEnvironment(source: Source, name: string): Outcome {
  const { environments, ...base } = source.value;
  const overrides =
    environments !== undefined && isJsonObject(environments) && Object.hasOwn(environments, name) ? environments[name] : undefined;
  const merged = isJsonObject(overrides ?? null) ? overlay(base, overrides as JsonObject) : base;
  const place = (complaint: Complaint): Problem => placeOf(source, complaint, name);
  const parsed = fileSchema.safeParse(merged);
  if (!parsed.success) return { name, problems: complaintsOf(parsed.error.issues, merged).map(place) };
  const { definition, complaints } = toDefinition(parsed.data, name);
  return { name, definition, problems: complaints.map(place) };
}

/** A complaint about the merged value belongs where the value was written: in the environment, or at the top. */
function placeOf(source: Source, complaint: Complaint, environment: string): Problem {
  const inside = ['environments', environment, ...complaint.path];
  const there = source.locate(inside, complaint.about);
  const top = source.locate(complaint.path, complaint.about);
  const found = there.matched - 2 > 0 && there.matched - 2 >= top.matched ? { ...there, path: inside } : { ...top, path: complaint.path };
  return { line: found.line, column: found.column, path: pathText(found.path), message: complaint.message, secret: false };
}

/** Keys and types of the top and of every environment's overrides, each by itself. */
function checkLayers(source: Source): readonly Problem[] {
  const { environments, service: _service, ...top } = source.value;
  const layers = { top, ...(environments === undefined ? {} : { environments: withoutNulls(environments) }) };
  const parsed = layersSchema.safeParse(layers);
  if (parsed.success) return [];
  // Unknown keys at the top are found again in the whole, where all valid keys are known.
  const complaints = complaintsOf(parsed.error.issues, layers).filter(
    ({ path, about }) => !(path[0] === 'top' && path.length === 2 && about === 'key'),
  );
  return complaints.map((complaint) => {
    const path = complaint.path[0] === 'top' ? complaint.path.slice(1) : complaint.path;
    const { line, column } = source.locate(path, complaint.about);
    return { line, column, path: pathText(path), message: complaint.message, secret: false };
  });
}

/** Inside an environment an empty value removes a key, so it has no type to check. */
function withoutNulls(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, withoutNulls(item)]])));
}

function environmentNames(value: JsonObject, chosen: string): readonly string[] {
  const given = value['environments'];
  return [...new Set([chosen, ...(given !== undefined && isJsonObject(given) ? Object.keys(given) : [])])];
}

function chooseEnvironment(value: JsonObject, options: ParseOptions): string {
  const environment = options.environment ?? 'dev';
  const given = value['environments'];
  const listed = given !== undefined && isJsonObject(given) ? Object.keys(given) : null;
  const names = listed ?? USUAL_ENVIRONMENTS;
  if (names.includes(environment)) return environment;
  const meant = nearest(environment, names);
  const what =
    options.environment === undefined
      ? `No environment was chosen, and ${options.file} has no "dev"`
      : `${options.file} has no environment "${environment}"`;
  throw new SlipwayError(
    'usage',
    `${what}; it has ${names.join(', ')}${meant === null || options.environment === undefined ? '' : `. Did you mean "${meant}"?`}`,
    {
      hint:
        listed === null
          ? `Choose one of ${names.join(', ')}, or add "${environment}" under \`environments\`.`
          : `Choose one of ${names.join(', ')}.`,
    },
  );
}
