import type { Flag, FlagSet, FlagValue, ValueType } from '../../../packages/flags/src/core/definition.ts';

/** One flag as code asks for it, in whatever environment. */
interface Asked {
  readonly key: string;
  readonly valueType: ValueType;
  readonly values: readonly FlagValue[];
  readonly about: Flag['about'];
  readonly type: Flag['type'];
}

/** A flag whose values are of one type here and of another there, so that no code can ask for it. */
export interface TypeClash {
  readonly key: string;
  readonly types: readonly ValueType[];
}

/**
 * A module of TypeScript: every key with the type of its values, and a function that gives a client of `@slipway/flags` these types.
 * The same flags give the same text, in whatever order they come.
 * @param sets of one environment, or of several that the same code runs in
 */
export function accessors(sets: readonly FlagSet[]): {
  readonly text: string;
  readonly keys: readonly string[];
  readonly clashes: readonly TypeClash[];
} {
  const all = new Map<string, Flag[]>();
  for (const { flags } of sets) for (const [key, flag] of Object.entries(flags)) all.set(key, [...(all.get(key) ?? []), flag]);
  const keys = [...all.keys()].toSorted();
  const clashes = keys.flatMap((key): TypeClash[] => {
    const types = [...new Set((all.get(key) ?? []).map(({ valueType }) => valueType))];
    return types.length > 1 ? [{ key, types }] : [];
  });
  const asked = keys.flatMap((key) => askedOf(key, all.get(key) ?? []));
  return { text: moduleText(asked), keys, clashes };
}

function askedOf(key: string, flags: readonly Flag[]): readonly Asked[] {
  const [first] = flags;
  if (first === undefined) return [];
  const { valueType, about, type } = first;
  return [{ key, valueType, about, type, values: flags.flatMap(({ variants }) => Object.values(variants)) }];
}

const KINDS: readonly (readonly [kind: ValueType, name: string])[] = [
  ['boolean', 'BooleanFlag'],
  ['string', 'StringFlag'],
  ['number', 'NumberFlag'],
  ['json', 'JsonFlag'],
];

/** As it stands in the module. */
const CLIENT = "'@slipway/flags'";

const HEADER = '// Written by `slipway flag types`. Do not change it: run the command again when flags change.';

/** Whether a file is one that {@link accessors} made: it names every flag there is, and asks for none. */
export function isAccessors(text: string): boolean {
  // A formatter, or a note for a linter, may stand before it.
  return text
    .slice(0, 1_000)
    .split('\n')
    .some((line) => line.trim() === HEADER);
}

function moduleText(flags: readonly Asked[]): string {
  const blocks = [
    HEADER,
    `import type { Context, Details, Evaluations } from ${CLIENT};`,
    `/** Every flag with the type of its values. */\nexport interface Flags {\n${flags.map(memberText).join('')}}`,
    KINDS.map(([kind, name]) => `export type ${name} = ${keysText(flags.filter((flag) => flag.valueType === kind))};`).join('\n'),
    `/** Evaluation with keys and defaults that are checked. */\nexport interface TypedFlags {\n${KINDS.flatMap(methods).join('\n')}\n}`,
    '/** A client of `@slipway/flags`, or a snapshot of it, with these types. */\nexport function typedFlags(flags: Evaluations): TypedFlags {\n  return flags;\n}',
  ];
  return `${blocks.join('\n\n')}\n`;
}

function memberText({ key, type, about, valueType, values }: Asked): string {
  const what = about.description === '' ? about.name : about.description;
  const said = [what, `${type}, ${about.owner}`].filter((text) => text !== '').map(commentText);
  const valueText = valueType === 'json' ? unionText(values.map(typeText)) : valueType;
  return `  /** ${said.join(' — ')} */\n  readonly ${nameText(key)}: ${valueText};\n`;
}

/** On one line, and without what would end the comment. */
function commentText(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('*/', '* /').trim();
}

function keysText(flags: readonly Asked[]): string {
  return flags.length === 0 ? 'never' : flags.map(({ key }) => textLiteral(key)).join(' | ');
}

function methods([kind, name]: (typeof KINDS)[number]): readonly string[] {
  const [type, generic, key] = kind === 'json' ? ['Flags[Key]', '<Key extends JsonFlag>', 'Key'] : [kind, '', name];
  const parameters = `${generic}(key: ${key}, context: Context | null | undefined, fallback: ${type})`;
  return [`  readonly ${kind}: ${parameters} => ${type};`, `  readonly ${kind}Details: ${parameters} => Details<${type}>;`];
}

/** The type of a value of JSON; what differs between variants is a union. */
function typeText(value: FlagValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    const elements = value as readonly FlagValue[];
    return elements.length === 0 ? 'readonly never[]' : `readonly (${unionText(elements.map(typeText))})[]`;
  }
  if (typeof value !== 'object') return typeof value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (members.length === 0) return 'Readonly<Record<string, never>>';
  return `{ ${members.map(([name, one]) => `readonly ${nameText(name)}: ${typeText(one)}`).join('; ')} }`;
}

function unionText(types: readonly string[]): string {
  return [...new Set(types)].toSorted().join(' | ');
}

function nameText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : textLiteral(name);
}

function textLiteral(text: string): string {
  return /^[\w-]*$/.test(text) ? `'${text}'` : JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
