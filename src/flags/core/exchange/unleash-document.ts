import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/pure.ts';

/** A feature with all that an Unleash document says of it, in whatever of its two forms. */
export interface Feature {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly archived: boolean;
  readonly enabled: boolean;
  readonly tags: readonly string[];
  /** ISO 8601, UTC; null: it does not say. */
  readonly createdAt: string | null;
  /** In their order, without those that are disabled. */
  readonly strategies: readonly JsonObject[];
  /** It has strategies, and all of them are disabled: it is on for nobody. */
  readonly allDisabled: boolean;
  readonly variants: readonly JsonObject[];
  readonly hasVariants: boolean;
  readonly dependencies: readonly JsonObject[];
}

export function objectsIn(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isJsonObject) : [];
}

export function textIn(from: JsonObject, name: string): string {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  return typeof value === 'string' ? value : '';
}

/**
 * The features of an export, whose parts stand in lists of their own by the feature's name, or of what clients are sent, where each
 * feature has its parts.
 */
export function featuresOf(document: JsonObject): readonly Feature[] {
  const features = objectsIn(document['features']).filter((one) => textIn(one, 'name') !== '');
  return features.map((given) =>
    'featureStrategies' in document ? featureOf(given, exported(document, textIn(given, 'name'))) : featureOf(given, given),
  );
}

/** What stands elsewhere in an export, as a client would be sent it. */
function exported(document: JsonObject, name: string): JsonObject {
  const of = (list: string, key = 'featureName'): readonly JsonObject[] =>
    objectsIn(document[list]).filter((one) => textIn(one, key) === name);
  const [environment = {}] = of('featureEnvironments');
  const order = (one: JsonObject): number => (typeof one['sortOrder'] === 'number' ? one['sortOrder'] : 0);
  return {
    enabled: environment['enabled'] === true,
    variants: environment['variants'] ?? [],
    strategies: of('featureStrategies').toSorted((a, b) => order(a) - order(b)),
    dependencies: of('dependencies', 'feature').flatMap((one) => objectsIn(one['dependencies'])),
    tags: of('featureTags').map((one) => textIn(one, 'tagValue')),
  };
}

function featureOf(given: JsonObject, parts: JsonObject): Feature {
  const all = objectsIn(parts['strategies']);
  const strategies = all.filter((one) => one['disabled'] !== true);
  const variants = objectsIn(parts['variants']);
  const created = Date.parse(textIn(given, 'createdAt'));
  return {
    name: textIn(given, 'name'),
    type: textIn(given, 'type'),
    description: textIn(given, 'description'),
    archived: given['archived'] === true,
    enabled: parts['enabled'] === true,
    tags: Array.isArray(parts['tags'])
      ? (parts['tags'] as readonly JsonValue[]).filter((tag) => typeof tag === 'string' && tag !== '').map(String)
      : [],
    createdAt: Number.isFinite(created) ? new Date(created).toISOString() : null,
    strategies,
    allDisabled: all.length > 0 && strategies.length === 0,
    variants,
    hasVariants: variants.length > 0 || strategies.some((one) => objectsIn(one['variants']).length > 0),
    dependencies: objectsIn(parts['dependencies']),
  };
}
