import type { Condition, Segment } from '../../../../packages/flags/src/core/definition.ts';
import { validateSegment } from '../../../../packages/flags/src/core/validate/set.ts';
import { parseVersion } from '../../../../packages/flags/src/core/version.ts';
import type { JsonObject, JsonValue } from '../../../kernel/pure.ts';
import { allOf, anyOf, kebab, NotCarried, type Holds } from './told.ts';
import { objectsIn, textIn } from './unleash-document.ts';

/** Hears what answers otherwise here, once for each text. */
export interface Teller {
  readonly differs: (message: string) => void;
}

/** The attribute of a context field of Unleash, whose name may have any character in it. */
export function attributeFor(field: string): string {
  if (field === '') throw new NotCarried('asks for a context field without a name');
  if (field === 'userId') return 'targetingKey';
  return /^[^."\\]+$/.test(field) ? field : `"${field.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** When a constraint holds. Unleash turns all of an answer around, so who lacks the field is in what is inverted. */
export function constraintHolds(constraint: JsonObject, told: Teller): Holds {
  const operator = textIn(constraint, 'operator');
  const inverted = constraint['inverted'] === true;
  if (operator.startsWith('DATE_')) throw new NotCarried('asks for the time; use a ramp, or change the flag then');
  const attribute = attributeFor(textIn(constraint, 'contextName'));
  if (operator === 'NOT_IN') return listed(attribute, constraint, !inverted);
  if (operator === 'IN') return listed(attribute, constraint, inverted);
  const found = positive(operator, attribute, constraint, told);
  if (typeof found === 'boolean') return found !== inverted;
  if (!inverted) return found;
  told.differs(
    `${attribute} that is no ${operator.startsWith('NUM_') ? 'number' : operator.startsWith('SEMVER_') ? 'version' : 'text'} is in neither here; there it is in what is inverted`,
  );
  return anyOf([{ attribute, operator: 'missing' }, { not: found }]);
}

/** As Unleash reads lists: blanks around a value are none of it, and an empty one is none. */
function valuesIn(constraint: JsonObject): readonly string[] {
  const given = constraint['values'];
  const texts = Array.isArray(given) ? (given as readonly JsonValue[]).filter((one) => typeof one === 'string') : [];
  return [...new Set(texts.filter((text) => text !== '').map((text) => text.trim()))];
}

function listed(attribute: string, constraint: JsonObject, negated: boolean): Holds {
  const values = valuesIn(constraint);
  if (values.length === 0) return negated;
  if (!negated) return { attribute, operator: 'in', values };
  return anyOf([
    { attribute, operator: 'missing' },
    { attribute, operator: 'notIn', values },
  ]);
}

function positive(operator: string, attribute: string, constraint: JsonObject, told: Teller): Holds {
  if (operator.startsWith('STR_')) return textual(operator, attribute, constraint, told);
  if (operator.startsWith('NUM_')) return numeric(operator, attribute, constraint, told);
  if (operator.startsWith('SEMVER_')) return versioned(operator, attribute, constraint, told);
  if (operator === 'REGEX') return patterned(attribute, textIn(constraint, 'value'), constraint['caseInsensitive'] === true, told);
  throw new NotCarried(`compares by ${operator}, for which there is nothing here`);
}

function textual(operator: string, attribute: string, constraint: JsonObject, told: Teller): Holds {
  const values = valuesIn(constraint).filter((value) => value !== '');
  const ignoreCase = constraint['caseInsensitive'] === true;
  if (values.length === 0) return false;
  if (ignoreCase && values.some((value) => /[^\x20-\x7e]/.test(value)))
    told.differs('capital and small letters beyond A to Z are told apart here');
  if (operator === 'STR_CONTAINS') return anyOf(values.map((value) => part(attribute, value, ignoreCase, told)));
  const edge = operator === 'STR_STARTS_WITH' ? 'startsWith' : operator === 'STR_ENDS_WITH' ? 'endsWith' : null;
  if (edge === null) throw new NotCarried(`compares by ${operator}, for which there is nothing here`);
  return { attribute, operator: edge, values, ...(ignoreCase ? { ignoreCase } : {}) };
}

/** A part of a text; where case does not count, as a pattern. */
function part(attribute: string, value: string, ignoreCase: boolean, told: Teller): Condition {
  if (!ignoreCase) return { attribute, operator: 'contains', value };
  const pattern = Array.from(value)
    .map((one) => (/[A-Za-z]/.test(one) ? `[${one.toLowerCase()}${one.toUpperCase()}]` : one.replace(/[^\w\s]/, '\\$&')))
    .join('');
  return checked({ attribute, operator: 'matches', value: pattern }, told);
}

/** The operator of ours that one of theirs is. */
function operatorOf<Operator>(operators: Readonly<Record<string, Operator>>, name: string): Operator {
  const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (operator === undefined) throw new NotCarried(`compares by ${name}, for which there is nothing here`);
  return operator;
}

const ORDERS = { NUM_EQ: 'eq', NUM_LT: 'lt', NUM_LTE: 'lte', NUM_GT: 'gt', NUM_GTE: 'gte' } as const;

function numeric(name: string, attribute: string, constraint: JsonObject, told: Teller): Holds {
  const operator = operatorOf(ORDERS, name);
  const value = Number(constraint['value']);
  if (Number.isNaN(value)) return false;
  if (!Number.isFinite(value)) throw new NotCarried(`compares ${attribute} with a number that has no end`);
  told.differs(`${attribute} must be a number; there a text that reads as one counts too`);
  return { attribute, operator, value };
}

const VERSIONS = {
  SEMVER_EQ: 'semverEq',
  SEMVER_LT: 'semverLt',
  SEMVER_LTE: 'semverLte',
  SEMVER_GT: 'semverGt',
  SEMVER_GTE: 'semverGte',
} as const;

function versioned(name: string, attribute: string, constraint: JsonObject, told: Teller): Holds {
  const operator = operatorOf(VERSIONS, name);
  const value = textIn(constraint, 'value').trim();
  // There one of one or two parts is none, and nothing compares with what is none.
  if (parseVersion(value) === null || !/^v?\d+\.\d+\.\d+/.test(value)) return false;
  told.differs(
    `${attribute} may be a version of one or two parts, or with a v before it; there neither is one, but one with blanks around it is`,
  );
  return { attribute, operator, value };
}

function patterned(attribute: string, value: string, ignoreCase: boolean, told: Teller): Holds {
  if (ignoreCase) throw new NotCarried('looks for a pattern whose case does not count');
  return checked({ attribute, operator: 'matches', value }, told);
}

/** Refused here, by its name, rather than with all others when it is written. */
function checked(condition: Condition, told: Teller): Condition {
  const [problem] = validateSegment('one', { description: '', when: condition }, { flags: {}, segments: {} });
  if (problem !== undefined)
    throw new NotCarried(`compares ${'attribute' in condition ? condition.attribute : ''} with what we cannot: ${problem.message}`);
  if ('operator' in condition && condition.operator === 'matches')
    told.differs('a text of more than 2,000 characters matches no pattern here');
  return condition;
}

/** The segments of a document, as they are asked for by their ids. */
export interface UnleashSegments {
  /** When a segment holds; it joins `used` unless it is everybody or nobody. */
  readonly holds: (id: JsonValue, used: Map<string, Segment>, told: Teller) => Holds;
}

/** An export names its segments and does not say what they are; what clients are sent says what they are, without names. */
export function segmentsOf(document: JsonObject): UnleashSegments {
  const byId = new Map(objectsIn(document['segments']).map((one) => [one['id'], one]));
  const names = namesOf([...byId.values()]);
  return {
    holds: (id, used, told) => {
      const segment = byId.get(id);
      if (segment === undefined) throw new NotCarried(`asks for the segment ${JSON.stringify(id)}, which is not there`);
      const called = textIn(segment, 'name') || JSON.stringify(id);
      if (!Array.isArray(segment['constraints']))
        throw new NotCarried(
          `asks for the segment ${called}, of which an export does not say what it is; import /api/client/features instead`,
        );
      const when = allOf(
        objectsIn(segment['constraints']).map((one) =>
          constraintHolds(one, { differs: (message) => told.differs(`segment ${called}: ${message}`) }),
        ),
      );
      if (typeof when === 'boolean') return when;
      const name = names.get(id) ?? '';
      used.set(name, { description: textIn(segment, 'description'), when });
      return { segment: name };
    },
  };
}

function namesOf(segments: readonly JsonObject[]): ReadonlyMap<JsonValue | undefined, string> {
  const names = new Map<JsonValue | undefined, string>();
  for (const segment of segments) {
    const usual = kebab(textIn(segment, 'name')) || `segment-${kebab(JSON.stringify(segment['id'] ?? null))}`;
    names.set(segment['id'], [...names.values()].includes(usual) ? `${usual}-${kebab(JSON.stringify(segment['id'] ?? null))}` : usual);
  }
  return names;
}
