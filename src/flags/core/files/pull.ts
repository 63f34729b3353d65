import type { Flag, Segment } from '../../../../packages/flags/src/core/definition.ts';
import type { FlagDeclaration, FlagFields, FlagFiles, SegmentDeclaration } from './declaration.ts';
import { flagFields, type FileDifference } from './diff.ts';
import { equal, everyField, fieldsOf, FLAG_KEYS, writeFlag, writeSegment, type FlagKey, type Written } from './render.ts';
import { isSilent, resolveFiles, type Origins } from './resolve.ts';

/** One change of the files. With an environment, its own words there are set, or taken out (null); without one, the whole is taken out. */
export interface Edit {
  readonly kind: 'flag' | 'segment';
  readonly key: string;
  readonly environment: string | null;
  readonly write: Written | 'absent' | null;
}

/** One thing to take from the server. */
export interface Taken {
  readonly difference: FileDifference;
  /** As the files had it last; what of it the server did not change since stays as the files say. Null: everything is the server's. */
  readonly known: Flag | Segment | null;
}

/** How the files must change so that they say of these things what the server says in one environment, and nothing else elsewhere. */
export function editsFor(taken: readonly Taken[], files: FlagFiles, environment: string, origins: Origins): readonly Edit[] {
  return taken.map(({ difference, known }): Edit => {
    const { kind, key } = difference;
    if (difference.server === null) return { kind, key, ...without(difference, files, environment) };
    // What no file has is in this environment, and nothing says that it is in any other one.
    if (difference.kind === 'segment') {
      const declared = files.segments.find((one) => one.key === key);
      const write = declared === undefined ? writeSegment(difference.server) : segmentOverride(declared, difference.server);
      return { kind, key, environment, write };
    }
    const declared = files.flags.find((one) => one.key === key);
    const flag = merged(difference.server, difference.files, known as Flag | null);
    const isAlone = declared === undefined || isSilent(declared.fields);
    return { kind, key, environment, write: isAlone ? writeFlag(key, flag) : flagOverride(declared, flag, environment, origins) };
  });
}

/** What is gone from an environment: from the files too, where no other one is named. */
function without({ kind, key }: FileDifference, files: FlagFiles, environment: string): Pick<Edit, 'environment' | 'write'> {
  const all: readonly (FlagDeclaration | SegmentDeclaration)[] = kind === 'flag' ? files.flags : files.segments;
  const declared = all.find((one) => one.key === key);
  const isLast =
    declared !== undefined && isSilent(declared.fields) && Object.keys(declared.environments).every((name) => name === environment);
  return isLast ? { environment: null, write: null } : { environment, write: 'absent' };
}

/** What the server changed since the files had it, in the flag as the files have it now. */
function merged(server: Flag, files: Flag | null, known: Flag | null): Flag {
  if (files === null || known === null) return server;
  const changed = new Set(flagFields(server, known).map(({ field }) => field));
  const one = <T>(field: FlagKey, theirs: T, ours: T): T => (changed.has(field) ? theirs : ours);
  const [there, here] = [server.about, files.about];
  return {
    type: one('type', server.type, files.type),
    valueType: one('valueType', server.valueType, files.valueType),
    variants: one('variants', server.variants, files.variants),
    enabled: one('enabled', server.enabled, files.enabled),
    off: one('off', server.off, files.off),
    rules: one('rules', server.rules, files.rules),
    default: one('default', server.default, files.default),
    prerequisites: one('prerequisites', server.prerequisites, files.prerequisites),
    salt: one('salt', server.salt, files.salt),
    hash: server.hash,
    stale: one('stale', server.stale, files.stale),
    about: {
      name: one('name', there.name, here.name),
      description: one('description', there.description, here.description),
      owner: one('owner', there.owner, here.owner),
      tags: one('tags', there.tags, here.tags),
      createdAt: one('created', there.createdAt, here.createdAt),
      expiresAt: one('expires', there.expiresAt, here.expiresAt),
    },
  };
}

/** Keys that take their usual value from other keys. */
const DEPENDENT = ['valueType', 'off', 'default'] as const;

/** The fewest words that make the flag what it is on the server; null where it needs none of its own. */
function flagOverride(declared: FlagDeclaration, server: Flag, environment: string, origins: Origins): Written | null {
  const resolved = (keys: readonly FlagKey[]): Flag | null => {
    const own: Partial<FlagFields> = pick<unknown>(fieldsOf(server), keys);
    const alone: FlagFiles = { flags: [{ ...declared, environments: { [environment]: own } }], segments: [] };
    return resolveFiles(alone, environment, origins).set.flags[declared.key] ?? null;
  };
  const base = resolved([]);
  if (equal(base, server)) return null;
  const fewest = base === null ? [] : flagFields(server, base).map(({ field }) => field as FlagKey);
  const keys = [fewest, [...fewest, ...DEPENDENT]].find((some) => equal(resolved(some), server)) ?? FLAG_KEYS;
  return pick(
    everyField(server),
    FLAG_KEYS.filter((key) => keys.includes(key)),
  );
}

function pick<T>(all: Readonly<Record<FlagKey, T>>, keys: readonly FlagKey[]): Readonly<Record<string, T>> {
  return Object.fromEntries(keys.map((key) => [key, all[key]]));
}

function segmentOverride({ fields }: SegmentDeclaration, server: Segment): Written | null {
  const base = fields.when === undefined ? null : { description: fields.description ?? '', when: fields.when };
  if (base !== null && equal(base, server)) return null;
  return { description: server.description, ...writeSegment(server) };
}
