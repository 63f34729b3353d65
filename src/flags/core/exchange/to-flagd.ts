import type { Comparison, Condition, Flag, FlagSet, Serve } from '../../../../packages/flags/src/core/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';
import { EVERYBODY } from '../files/percent.ts';
import { NotCarried, type Told } from './told.ts';

/** A set as a flagd document. Its targeting is written so that a missing attribute, or one of another type, matches nothing there either. */
export function exportFlagd(set: FlagSet): { readonly document: JsonObject; readonly told: readonly Told[] } {
  const told: Told[] = [];
  const flags: [string, JsonValue][] = [];
  for (const [key, flag] of Object.entries(set.flags)) {
    try {
      flags.push([key, exported(flag, set)]);
      if (!flag.enabled)
        told.push({
          flag: key,
          kind: 'differs',
          message: 'is ENABLED there and serves its safe variant: DISABLED would leave the value to the code',
        });
      if (flag.stale !== null)
        told.push({ flag: key, kind: 'differs', message: 'serves there what was known last, however long nothing was heard' });
    } catch (error) {
      if (!(error instanceof NotCarried)) throw error;
      told.push({ flag: key, kind: 'left-out', message: error.message });
    }
  }
  return { document: { $schema: 'https://flagd.dev/schema/v0/flags.json', flags: Object.fromEntries(flags) }, told };
}

function exported(flag: Flag, set: FlagSet): JsonValue {
  const { variants, valueType, about } = flag;
  if (valueType === 'json' && !Object.values(variants).every(isJsonObject))
    throw new NotCarried('has a value that is JSON but no object, which flagd does not have');
  const served = variantOf(flag, set);
  const defaultVariant = typeof served === 'string' ? served : flag.off;
  const metadata = { owner: about.owner, ...(about.description === '' ? {} : { description: about.description }) };
  return { state: 'ENABLED', variants, defaultVariant, ...(typeof served === 'string' ? {} : { targeting: served }), metadata };
}

/** The name of the variant, or what gives it. */
function variantOf(flag: Flag, set: FlagSet): JsonValue {
  const { enabled, off, rules, prerequisites, salt } = flag;
  if (!enabled) return off;
  const scope: Scope = { set, salt, off };
  const cases = rules.flatMap(({ when, serve }) => [logic(when, false, scope), served(serve, scope)]);
  const rest = served(flag.default, scope);
  const chosen = cases.length === 0 ? rest : { if: [...cases, rest] };
  if (prerequisites.length === 0) return chosen;
  const met = prerequisites.map((one): JsonValue => {
    const other = Object.hasOwn(set.flags, one.flag) ? set.flags[one.flag] : undefined;
    if (other === undefined) throw new NotCarried(`requires ${one.flag}, which is not there`);
    return { in: [variantOf(other, set), one.variants] };
  });
  return { if: [{ and: met }, chosen, off] };
}

interface Scope {
  readonly set: FlagSet;
  readonly salt: string;
  readonly off: string;
}

/** A path as flagd has it, where a dot always separates. */
function variable(path: string): JsonValue {
  if (/["\\]/.test(path)) throw new NotCarried(`asks for ${path}, whose name has a dot or a quote in it`);
  return { var: path };
}

function served(serve: Serve, { salt, off }: Scope): JsonValue {
  if ('variant' in serve) return serve.variant;
  const { by = 'targetingKey', weights } = serve;
  const fractional = [seed(serve.salt ?? salt, by), ...weights.map(({ variant, weight }) => [variant, weight])];
  return { if: [sticky(by), { fractional }, off] };
}

function seed(salt: string, by: string): JsonValue {
  return { cat: [salt, variable(by)] };
}

function sticky(by: string): JsonValue {
  const attribute = variable(by);
  const whole = {
    and: [ofType(attribute, 'number'), { '===': [{ '%': [attribute, 1] }, 0] }, { '<=': [-MOST_WHOLE, attribute, MOST_WHOLE] }],
  };
  return { or: [whole, { and: [ofType(attribute, 'string'), { '!==': [attribute, ''] }] }] };
}

/** Beyond this a number is dealt by nobody here: its digits may be another one's. */
const MOST_WHOLE = Number.MAX_SAFE_INTEGER;

/** When a condition holds; `negated` as our `not` is, which also needs its attributes. */
function logic(condition: Condition, negated: boolean, scope: Scope): JsonValue {
  if ('all' in condition || 'any' in condition) {
    const parts = ('all' in condition ? condition.all : condition.any).map((one) => logic(one, negated, scope));
    return 'all' in condition === negated ? { or: parts } : { and: parts };
  }
  if ('not' in condition) return logic(condition.not, !negated, scope);
  if ('segment' in condition) {
    const { segments } = scope.set;
    const segment = Object.hasOwn(segments, condition.segment) ? segments[condition.segment] : undefined;
    if (segment === undefined) throw new NotCarried(`asks for the segment ${condition.segment}, which is not there`);
    return logic(segment.when, negated, scope);
  }
  if ('percentage' in condition) return dealt(condition, negated, scope);
  return comparison(condition, negated);
}

function dealt(condition: Extract<Condition, { readonly percentage: number }>, negated: boolean, scope: Scope): JsonValue {
  const { percentage, by = 'targetingKey', salt = scope.salt } = condition;
  const fractional = [seed(salt, by), ['in', percentage], ['out', EVERYBODY - percentage]];
  return { and: [sticky(by), { '===': [{ fractional }, negated ? 'out' : 'in'] }] };
}

/**
 * True of texts alone, of booleans alone, or of numbers, which is what is none of these, and neither missing, nor a list, nor an object:
 * JSONLogic has no question for the type. `!==`, since the JavaScript of flagd takes 0 for null in `!=`.
 */
function ofType(attribute: JsonValue, type: string): JsonValue {
  const isText = { '===': [{ cat: [attribute] }, attribute] };
  const isTruth = { in: [attribute, [true, false]] };
  if (type === 'string') return isText;
  if (type === 'boolean') return isTruth;
  // The name that JavaScript has for objects; elsewhere they are nothing that is compared.
  const isPlain = { '!==': [{ cat: [attribute] }, '[object Object]'] };
  return { and: [{ '!==': [attribute, null] }, { '!': [isText] }, { '!': [isTruth] }, { '!': [isList(attribute)] }, isPlain] };
}

/** A list is no element of what it is merged to; everything else is. */
function isList(attribute: JsonValue): JsonValue {
  return { '!': [{ in: [attribute, { merge: [attribute] }] }] };
}

const OPPOSITES: Readonly<Record<string, Comparison['operator']>> = {
  ne: 'eq',
  notIn: 'in',
  notContains: 'contains',
  missing: 'exists',
  gt: 'lte',
  gte: 'lt',
  semverGt: 'semverLte',
  semverGte: 'semverLt',
};

function comparison(given: Comparison, turned: boolean): JsonValue {
  const base = Object.hasOwn(OPPOSITES, given.operator) ? OPPOSITES[given.operator] : undefined;
  const operator = base ?? given.operator;
  const negated = turned !== (base !== undefined);
  const attribute = variable(given.attribute);
  const value = 'value' in given ? given.value : null;
  const values: readonly JsonValue[] = 'values' in given ? given.values : [];
  const only = (type: string, holds: JsonValue): JsonValue => ({ and: [ofType(attribute, type), negated ? { '!': [holds] } : holds] });
  switch (operator) {
    case 'exists':
      return { [negated ? '===' : '!==']: [attribute, null] };
    case 'eq':
      return only(typeof value, { '===': [attribute, value] });
    case 'in':
      return {
        and: [
          { or: [...new Set(values.map((one) => typeof one))].map((type) => ofType(attribute, type)) },
          negated ? { '!': [{ in: [attribute, values] }] } : { in: [attribute, values] },
        ],
      };
    case 'contains':
      return containment(attribute, value, negated);
    case 'startsWith':
    case 'endsWith':
      return only('string', edges(given, attribute, values));
    case 'lt':
      return only('number', { '<': [attribute, value] });
    case 'lte':
      return only('number', { '<=': [attribute, value] });
    case 'semverEq':
      return version(attribute, negated ? '!=' : '=', value);
    case 'semverLt':
      return version(attribute, negated ? '>=' : '<', value);
    case 'semverLte':
      return version(attribute, negated ? '>' : '<=', value);
    default:
      throw new NotCarried(`compares by ${given.operator}, for which flagd has nothing`);
  }
}

function edges(given: Comparison, attribute: JsonValue, values: readonly JsonValue[]): JsonValue {
  if ('ignoreCase' in given && given.ignoreCase) throw new NotCarried('compares without regard to upper and lower case');
  const name = given.operator === 'startsWith' ? 'starts_with' : 'ends_with';
  return { or: values.map((part) => ({ [name]: [attribute, part] })) };
}

/** Of texts and of lists. */
function containment(attribute: JsonValue, value: JsonValue, negated: boolean): JsonValue {
  const holds = { in: [value, attribute] };
  const fits = { or: [ofType(attribute, 'string'), isList(attribute)] };
  return { and: [fits, negated ? { '!': [holds] } : holds] };
}

/** What is no version gives no answer, whichever way it is asked. */
function version(attribute: JsonValue, operator: string, value: JsonValue): JsonValue {
  return { and: [ofType(attribute, 'string'), { sem_ver: [attribute, operator, value] }] };
}
