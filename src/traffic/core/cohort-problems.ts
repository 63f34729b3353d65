import type { Cohort, CohortField } from './cohort.ts';

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]{1,100}$/;
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/;
const PATH = /^\/[\x21-\x7e]{0,199}$/;

/** What every router can take: HAProxy is told all of a route in one command, which must fit its buffer of 16 KB, and has the rules in hexadecimal. */
const MOST_CHARACTERS = 5_000;
/** What a rule takes beside its name and its value. */
const PER_RULE = 16;

/** Why a cohort is longer than a router can take; null when it is not. Which router it will be is not known when a release is planned, so there is one limit. */
export function cohortTooLong({ key, force, only }: Cohort): string | null {
  const names = [key, force].flatMap((field) => [field?.header, field?.cookie]).filter((name) => name !== undefined);
  const rules = Object.entries(only?.headers ?? {}).flatMap(([name, values]) => values.map((value) => name + value));
  const length = [...names, ...rules, ...(only?.paths ?? [])].reduce((sum, text) => sum + text.length + PER_RULE, 0);
  if (length <= MOST_CHARACTERS) return null;
  return `is too long for a router: ${length} characters, with ${PER_RULE} more for each value; at most ${MOST_CHARACTERS} are possible`;
}

/** Everything wrong with a cohort, in words for its author. */
export function problemsOfCohort(cohort: Cohort): readonly string[] {
  const { key, force, sticky, only } = cohort;
  const problems = [...fieldProblems('key', key), ...fieldProblems('force', force), ...ruleProblems(only)];
  const long = cohortTooLong(cohort);
  if (long !== null) problems.push(`cohort ${long}`);
  if (key === undefined && force === undefined && sticky !== true && only === undefined)
    problems.push('cohort says nothing; give it key, sticky, force or only');
  return problems;
}

function fieldProblems(where: string, field: CohortField | undefined): readonly string[] {
  if (field === undefined) return [];
  if (field.header === undefined && field.cookie === undefined) return [`cohort.${where} needs a header or a cookie`];
  return Object.entries(field).flatMap(([kind, name]: [string, string | undefined]) =>
    name === undefined || TOKEN.test(name) ? [] : [`cohort.${where}.${kind} is not a name of a ${kind}: ${JSON.stringify(name)}`],
  );
}

function ruleProblems(only: Cohort['only']): readonly string[] {
  if (only === undefined) return [];
  const headers = Object.entries(only.headers ?? {});
  const problems = headers.flatMap(([name, values]) => [
    ...(TOKEN.test(name) ? [] : [`cohort.only.headers has what is no name of a header: ${JSON.stringify(name)}`]),
    ...(values.length > 0 ? [] : [`cohort.only.headers.${name} has no value, so no request would match`]),
    ...values
      .filter((value) => !VALUE.test(value))
      .map((value) => `cohort.only.headers.${name} must be visible ASCII: ${JSON.stringify(value)}`),
  ]);
  const wrong = (only.paths ?? []).filter((path) => !PATH.test(path) || /[?#]/.test(path));
  problems.push(...wrong.map((path) => `cohort.only.paths must begin with "/", without a query: ${JSON.stringify(path)}`));
  if (only.paths?.length === 0) problems.push('cohort.only.paths is empty, so no request would match');
  if (only.paths === undefined && headers.length === 0) problems.push('cohort.only needs paths or headers');
  return problems;
}
