import { EVERYBODY } from '../bucket.ts';
import type { Comparison } from '../definition.ts';
import { parseInstant } from '../instant.ts';
import { parsePath } from '../path.ts';
import { patternProblem } from '../pattern.ts';
import { parseVersion } from '../version.ts';
import { at, fieldsOf, isFields, listOf, nameOf, refuse, textOf, wholeOf, type Place } from './shape.ts';

type Operator = Comparison['operator'];
type CheckTarget = (place: Place, target: unknown) => void;

const MAX_TEXT = 1_000;
const MAX_PATH = 300;
const MAX_VALUES = 10_000;
const MAX_PARTS = 500;
const MAX_NESTING = 16;

function scalar(place: Place, value: unknown): void {
  if (typeof value === 'string') textOf(place, value, 0, MAX_TEXT);
  else if (typeof value !== 'boolean' && !Number.isFinite(value)) refuse(place, 'must be a string, a number or a boolean');
}

function scalars(place: Place, values: unknown): void {
  const list = listOf(place, values, 1, MAX_VALUES);
  for (const [index, value] of list.entries()) scalar(at(place, index), value);
  if (new Set(list.map((value) => typeof value)).size > 1)
    refuse(place, 'must be of one type: an attribute of another type than the values never matches');
}

/** An empty one is part of everything, which nobody means. */
function needle(place: Place, value: unknown): void {
  textOf(place, value, 1, MAX_TEXT);
}

function needles(place: Place, values: unknown): void {
  for (const [index, value] of listOf(place, values, 1, MAX_VALUES).entries()) needle(at(place, index), value);
}

function pattern(place: Place, value: unknown): void {
  const text = textOf(place, value, 1, MAX_TEXT);
  const problem = text === null ? null : patternProblem(text);
  if (problem !== null) refuse(place, `is a pattern that ${problem}`);
}

function bound(place: Place, value: unknown): void {
  if (!Number.isFinite(value)) refuse(place, 'must be a number');
}

function version(place: Place, value: unknown): void {
  const text = textOf(place, value, 1, MAX_TEXT);
  if (text !== null && parseVersion(text) === null) refuse(place, `is ${JSON.stringify(text)}, which is no version (1, 1.2, v1.2.3-rc.1)`);
}

function instant(place: Place, value: unknown): void {
  const text = textOf(place, value, 1, MAX_TEXT);
  if (text !== null && Number.isNaN(parseInstant(text))) {
    refuse(place, `is ${JSON.stringify(text)}, which is no instant with a zone (2026-11-30T04:40:00Z)`);
  }
}

/** By operator: the name of its target, and how that is checked. */
const TARGETS: Readonly<Record<Operator, readonly [name: 'value' | 'values', check: CheckTarget] | null>> = {
  exists: null,
  missing: null,
  eq: ['value', scalar],
  ne: ['value', scalar],
  in: ['values', scalars],
  notIn: ['values', scalars],
  contains: ['value', needle],
  notContains: ['value', needle],
  startsWith: ['values', needles],
  endsWith: ['values', needles],
  matches: ['value', pattern],
  lt: ['value', bound],
  lte: ['value', bound],
  gt: ['value', bound],
  gte: ['value', bound],
  semverEq: ['value', version],
  semverLt: ['value', version],
  semverLte: ['value', version],
  semverGt: ['value', version],
  semverGte: ['value', version],
  before: ['value', instant],
  after: ['value', instant],
};

export function checkPath(place: Place, value: unknown): void {
  const text = textOf(place, value, 1, MAX_PATH);
  if (text !== null && parsePath(text) === null)
    refuse(place, `is ${JSON.stringify(text)}, which is no path of an attribute (user.plan, "a.b".c)`);
}

/** What goes into the hash in place of the flag's salt. */
export function checkSalt(place: Place, value: unknown): void {
  textOf(place, value, 1, MAX_TEXT);
}

function checkComparison(place: Place, condition: Readonly<Record<string, unknown>>): void {
  const { operator } = condition;
  checkPath(at(place, 'attribute'), condition['attribute']);
  if (typeof operator !== 'string' || !Object.hasOwn(TARGETS, operator)) {
    refuse(at(place, 'operator'), `must be one of ${Object.keys(TARGETS).join(', ')}`);
    return;
  }
  const target = TARGETS[operator as Operator];
  const cased = operator === 'startsWith' || operator === 'endsWith' ? ['ignoreCase'] : [];
  fieldsOf(place, condition, ['attribute', 'operator', ...(target === null ? [] : [target[0]])], cased);
  if (target !== null && Object.hasOwn(condition, target[0])) target[1](at(place, target[0]), condition[target[0]]);
  const { ignoreCase = false } = condition;
  if (cased.length > 0 && typeof ignoreCase !== 'boolean') refuse(at(place, 'ignoreCase'), 'must be true or false');
}

function checkPercentage(place: Place, condition: Readonly<Record<string, unknown>>): void {
  fieldsOf(place, condition, ['percentage'], ['by', 'salt']);
  wholeOf(at(place, 'percentage'), condition['percentage'], 0, EVERYBODY);
  if (condition['by'] !== undefined) checkPath(at(place, 'by'), condition['by']);
  if (condition['salt'] !== undefined) checkSalt(at(place, 'salt'), condition['salt']);
}

/** A condition, whose segments are to be among `segments`. */
export function checkCondition(place: Place, condition: unknown, segments: ReadonlySet<string>, depth = 0): void {
  if (depth > MAX_NESTING) return refuse(place, `is more than ${MAX_NESTING} groups deep`);
  if (!isFields(condition)) return refuse(place, 'must be a condition, which is an object');
  if (Object.hasOwn(condition, 'attribute')) return checkComparison(place, condition);
  if (Object.hasOwn(condition, 'percentage')) return checkPercentage(place, condition);
  if (Object.hasOwn(condition, 'segment')) {
    fieldsOf(place, condition, ['segment']);
    nameOf(at(place, 'segment'), condition['segment'], segments, 'segment');
    return;
  }
  if (Object.hasOwn(condition, 'not')) {
    fieldsOf(place, condition, ['not']);
    return checkCondition(at(place, 'not'), condition['not'], segments, depth + 1);
  }
  const kind = ['all', 'any'].find((group) => Object.hasOwn(condition, group));
  if (kind === undefined) return refuse(place, 'must have one of attribute, percentage, segment, all, any, not');
  fieldsOf(place, condition, [kind]);
  const parts = listOf(at(place, kind), condition[kind], 1, MAX_PARTS);
  for (const [index, part] of parts.entries()) checkCondition(at(at(place, kind), index), part, segments, depth + 1);
}
