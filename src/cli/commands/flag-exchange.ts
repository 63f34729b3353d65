import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { editFlags, flagsText, loadFlags, writeFlags, type LoadedFlags } from '../../config/index.ts';
import {
  alreadyDeclared,
  exportFlagd,
  importFlagd,
  importUnleash,
  onlyNew,
  refuseInvalid,
  resolveFiles,
  writeFlag,
  writeSegment,
  type AlreadyDeclared,
  type FlagFileEdit,
  type FlagTold,
  type FlagType,
  type ImportedFlags,
} from '../../flags/index.ts';
import { ERRORS, isJsonObject, messageOf, SlipwayError, systemClock, toIso, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import { count } from '../output/table.ts';
import { withAppNow } from './shared/app.ts';
import { environmentOf, whenOf } from './shared/flags.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

const LARGEST = 16 * 1024 * 1024;
const NINETY_DAYS_MS = 90 * 86_400_000;

/** Writes files of flags from another system's document. */
export const importFlags: Handler = async (call) => {
  const { terminal } = call;
  const source = sourceOf(call);
  const defaults = defaultsOf(call, source);
  const document = await documentOf(call, call.args[0] ?? '', source);
  const all = source.read(document, defaults);
  const loaded = await loadFlags(call.directory);
  const there = { ...resolveFiles(loaded.files, '', { createdAt: () => defaults.createdAt }).set, environment: 'import' };
  const left = alreadyDeclared(loaded.files, there, all).map((one) => ({ ...one, file: loaded.fileOf(one.kind, one.key) ?? '' }));
  if (left.length > 0 && !flag(call, 'onlyNew')) throw declaredAlready(all, left);
  const imported = onlyNew(all, left);
  refuseInvalid(there, {
    ...there,
    flags: { ...there.flags, ...imported.flags },
    segments: { ...there.segments, ...imported.segments },
  });
  const dryRun = flag(call, 'dryRun');
  const files = await written(call, loaded, imported);
  const keys = Object.keys(imported.flags);
  if (terminal.json) terminal.data({ files, flags: keys, dryRun, told: imported.told, left });
  else {
    for (const one of imported.told) terminal.note(toldText(one));
    for (const one of left) terminal.note(`left as it is: ${declaredText(one)}`);
    const stays = left.length === 0 ? '' : `; ${left.length} declared already, which stay as they are`;
    terminal.say(
      `${dryRun ? 'Would write' : 'Wrote'} ${count(keys.length, 'flag')} to ${count(files.length, 'file')} below flags; ${leftOut(imported.told)} left out${stays}.`,
    );
  }
  return leftOut(imported.told) === 0 ? 0 : ERRORS.gate_blocked.exit;
};

/** Writes the files, unless that is not wanted; answers which. */
async function written(call: Call, loaded: LoadedFlags, imported: ImportedFlags): Promise<readonly string[]> {
  const texts = editFlags(loaded, editsOf(imported));
  if (!flag(call, 'dryRun')) await writeFlags(call.directory, texts);
  return [...texts.keys()];
}

type Declared = AlreadyDeclared & { readonly file: string };

/** More are not read. */
const MOST_TOLD = 5;

function declaredAlready({ flags, segments }: ImportedFlags, left: readonly Declared[]): SlipwayError {
  const told = left.slice(0, MOST_TOLD).map(declaredText);
  const more = left.length > MOST_TOLD ? [`and ${left.length - MOST_TOLD} more are declared already`] : [];
  const fresh = Object.keys(flags).length + Object.keys(segments).length - left.length;
  const others = fresh === 0 ? 'Nothing else is in the document.' : '--only-new imports the rest and leaves these as they are.';
  return new SlipwayError('config_invalid', [...told, ...more].join('; '), {
    hint: `${others} To have one of them anew, take it out of its file first.`,
  });
}

function declaredText({ kind, key, file, differs }: Declared): string {
  const how = differs.length === 0 ? 'and says the same' : `and is otherwise there: ${differs.join(', ')}`;
  return `${kind === 'segment' ? 'the segment ' : ''}${key} is declared in ${file} already, ${how}`;
}

/** Another system whose flags can be read. */
interface ImportSource {
  readonly read: typeof importFlagd;
  /** Why a document is none of its; null: it is one. */
  readonly refuse: (document: JsonValue) => string | null;
  /** It says itself of which type a flag is, so that some may end although others may stay. */
  readonly hasTypes: boolean;
}

const SOURCES: Readonly<Record<string, ImportSource>> = {
  flagd: {
    read: importFlagd,
    refuse: (document) =>
      isJsonObject(document) && isJsonObject(document['flags'] ?? null) ? null : 'is no document of flagd: it has no map `flags`',
    hasTypes: false,
  },
  unleash: {
    read: importUnleash,
    refuse: (document) =>
      isJsonObject(document) && Array.isArray(document['features']) ? null : 'is no document of Unleash: it has no list `features`',
    hasTypes: true,
  },
};

function sourceOf(call: Call): ImportSource {
  const from = text(call, 'from') ?? '';
  const source = Object.hasOwn(SOURCES, from) ? SOURCES[from] : undefined;
  if (source !== undefined) return source;
  throw new SlipwayError('usage', '--from is needed: whose document it is, such as flagd');
}

function defaultsOf(call: Call, { hasTypes }: ImportSource): Parameters<typeof importFlagd>[1] {
  const owner = text(call, 'owner')?.trim() ?? '';
  if (owner === '') throw new SlipwayError('usage', '--owner is needed: who answers for flags whose owner the document does not say');
  const type = (text(call, 'type') ?? 'release') as FlagType;
  const now = systemClock.now();
  const given = text(call, 'expires');
  const mayStay = !hasTypes && (type === 'ops' || type === 'permission');
  const expires = given === undefined ? (mayStay ? null : now + NINETY_DAYS_MS) : whenOf('--expires', given, now);
  return { type, owner, createdAt: toIso(now), expiresAt: expires === null ? null : toIso(expires) };
}

/** @throws SlipwayError `config_missing`, `config_invalid` */
async function documentOf(call: Call, given: string, source: ImportSource): Promise<JsonObject> {
  const file = resolve(call.directory, given);
  const found = await stat(file).catch(() => null);
  if (found === null || !found.isFile())
    throw new SlipwayError('config_missing', `There is no file ${given}`, { hint: 'Correct the path.' });
  const refuse = (why: string): SlipwayError =>
    new SlipwayError('config_invalid', `${given} ${why}`, { hint: 'Export it again from the system it comes from.' });
  if (found.size > LARGEST) throw refuse(`has ${found.size} bytes, which no document of flags has`);
  const document = await readFile(file, 'utf8')
    .then(
      (content) => JSON.parse(content) as JsonValue,
      (error: unknown) => {
        throw refuse(`cannot be read: ${messageOf(error)}`);
      },
    )
    .catch((error: unknown) => {
      throw error instanceof SlipwayError ? error : refuse(`is not JSON: ${messageOf(error)}`);
    });
  const why = source.refuse(document);
  if (why !== null || !isJsonObject(document)) throw refuse(why ?? 'is no map');
  return document;
}

function editsOf({ flags, segments }: ImportedFlags): readonly FlagFileEdit[] {
  const edit = (kind: 'flag' | 'segment', key: string, write: FlagFileEdit['write']): FlagFileEdit => ({
    kind,
    key,
    environment: null,
    write,
  });
  return [
    ...Object.entries(flags).map(([key, one]) => edit('flag', key, writeFlag(key, one))),
    ...Object.entries(segments).map(([key, one]) => edit('segment', key, writeSegment(one))),
  ];
}

function toldText({ flag: name, kind, message }: FlagTold): string {
  return `${kind === 'left-out' ? 'left out' : kind}: ${name} ${message}`;
}

function leftOut(told: readonly FlagTold[]): number {
  return told.filter(({ kind }) => kind === 'left-out').length;
}

/** Prints an environment's flags for another system. */
export const exportFlags: Handler = async (call) => {
  const environment = environmentOf(call);
  return withAppNow(call, async ({ opened }) => {
    const { terminal } = call;
    const { set } = await opened.flags.read(environment);
    const isFlagd = text(call, 'to') === 'flagd';
    const { document, told } = isFlagd ? exportFlagd(set) : { document: fileOf(editsOf({ ...set, told: [] })), told: [] };
    if (terminal.json) terminal.data({ environment, seq: set.seq, document, told });
    else {
      for (const one of told) terminal.note(toldText(one));
      // Bytes as they are: what looks like an address may be the value of a rule.
      terminal.raw(isFlagd ? `${JSON.stringify(document, null, 2)}\n` : flagsText(document));
    }
    return leftOut(told) === 0 ? 0 : ERRORS.gate_blocked.exit;
  });
};

function fileOf(edits: readonly FlagFileEdit[]): JsonObject {
  const part = (wanted: 'flag' | 'segment'): JsonObject =>
    Object.fromEntries(edits.flatMap(({ kind, key, write }) => (kind === wanted && write !== null ? [[key, write]] : [])));
  return { flags: part('flag'), segments: part('segment') };
}
