import { faultyFlags, readFlags, readPulled, type LoadedFlags } from '../../../config/index.ts';
import { compareFiles, mistakesIn, resolveFiles, type ComparedFlags, type FilesProblem, type FlagSet } from '../../../flags/index.ts';
import { systemClock, toIso } from '../../../kernel/index.ts';
import type { App } from '../../compose.ts';
import { text, type Call } from '../spec.ts';
import { refuseStrangeFolder } from './app.ts';
import { isListed } from './flags.ts';

/** The files of the workspace beside an environment of the server. */
export interface FilesBeside {
  readonly loaded: LoadedFlags;
  readonly compared: ComparedFlags;
  readonly pulled: Readonly<Record<string, number>>;
}

/**
 * Refuses files that are wrong whatever stands on the server, before a store is opened for them, or made.
 * @throws SlipwayError `config_missing` where nothing of Slipway is, `config_invalid` as {@link besideServer}
 */
export async function refuseWrongFiles(call: Call, environment: string): Promise<void> {
  await refuseStrangeFolder(call);
  await readPulled(call.directory);
  const read = await readAll(call);
  const found = (mayDeclare: Around['mayDeclare']): readonly Mistakes[] => mistakesOf(read, [environment], { server: null, mayDeclare });
  const certain = found(() => true);
  if (read.faults.length === 0 && certain.every(({ problems }) => problems.length === 0)) return;
  // What is in no file may be on the server, which is no reason to refuse; whoever has to correct the rest hears of it all the same.
  const known = new Set(certain.flatMap(({ problems }) => problems).map((one) => JSON.stringify(one)));
  const told = (one: FilesProblem): FilesProblem =>
    known.has(JSON.stringify(one)) ? one : { ...one, message: `${one.message} in these files; the server was not asked` };
  refuse(
    read.loaded,
    read.faults,
    found(read.mayDeclare).map((one) => ({ ...one, problems: one.problems.map(told) })),
  );
}

/** @throws SlipwayError `config_invalid` with the place of everything that is wrong in the files for this environment */
export async function besideServer(call: Call, { opened, effects }: App, environment: string): Promise<FilesBeside> {
  const [{ set }, pulled] = await Promise.all([opened.flags.read(environment), readPulled(call.directory)]);
  const loaded = await soundFlags(call, () => [environment], set);
  const at = Object.hasOwn(pulled, environment) ? (pulled[environment] ?? 0) : 0;
  const compared = await compareFiles({ store: opened.flags, clock: effects.clock }, loaded.files, environment, at);
  return { loaded, compared, pulled };
}

/** What is wrong in one environment. */
export interface Mistakes {
  readonly environment: string;
  readonly problems: readonly FilesProblem[];
}

/**
 * Reads the files and checks all of them in the environments.
 * @param server what stands there beside them; null: nothing
 * @throws SlipwayError `config_invalid` with everything that is wrong, whatever else is
 */
export async function soundFlags(
  call: Call,
  environments: (files: LoadedFlags['files']) => readonly string[],
  server: FlagSet | null,
): Promise<LoadedFlags> {
  const read = await readAll(call);
  const { loaded, faults, mayDeclare } = read;
  refuse(loaded, faults, mistakesOf(read, environments(loaded.files), { server, mayDeclare }));
  for (const text of expiredTexts(loaded, environments(loaded.files))) call.terminal.note(`note: ${text}`);
  return loaded;
}

type Around = Parameters<typeof mistakesIn>[2];
type Read = Awaited<ReturnType<typeof readAll>>;

async function readAll(call: Call) {
  const read = await readFlags(call.directory);
  return { ...read, strange: await strangeEnvironments(call, read.loaded.files) };
}

/** By environment; those that are of none are of the one without a name. */
function mistakesOf({ loaded, strange }: Read, environments: readonly string[], around: Around): readonly Mistakes[] {
  const mistakes = environments
    .filter((environment) => !strange.environments.has(environment))
    .map((environment) => ({ environment, problems: mistakesIn(loaded.files, environment, around) }));
  return [...mistakes, { environment: '', problems: strange.problems }];
}

/** @throws SlipwayError `config_invalid` when there are any, each with its place */
export function refuseProblems(loaded: LoadedFlags, environment: string, problems: readonly FilesProblem[]): void {
  refuse(loaded, [], [{ environment, problems }]);
}

function refuse(loaded: LoadedFlags, faults: readonly string[], mistakes: readonly Mistakes[]): void {
  const told = new Map<string, Set<string>>();
  for (const { environment, problems } of mistakes) {
    for (const problem of problems) {
      const line = lineOf(loaded, environment, problem);
      told.set(line, (told.get(line) ?? new Set()).add(environment));
    }
  }
  const all = mistakes.filter(({ environment }) => environment !== '').length;
  const lines = [...told]
    .toSorted(([a], [b]) => ORDER.compare(a, b))
    .map(([line, inThese]) => (inThese.has('') || inThese.size === all ? line : `${line} (in ${[...inThese].join(', ')})`));
  const head = all === 1 ? `In ${mistakes[0]?.environment} the files are wrong` : 'The files are wrong';
  const blocks = lines.length === 0 ? faults : [...faults, `${head}:\n${lines.join('\n')}`];
  if (blocks.length > 0) throw faultyFlags(blocks);
}

/** By file, and by line as a number. */
const ORDER = new Intl.Collator('en', { numeric: true });

function lineOf(loaded: LoadedFlags, environment: string, { kind, key, path, message }: FilesProblem): string {
  const shown = [key, ...path].map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`)).join('');
  if (loaded.fileOf(kind, key) === null) return `${kind} ${shown} of the server ${message}`;
  const { file, line, column } = loaded.place(kind, key, path, environment);
  return `${file}:${line}:${column}  ${shown} ${message}`;
}

/** Flags past their day: no reason to refuse files that were right once, but somebody should know. */
function expiredTexts(loaded: LoadedFlags, environments: readonly string[]): readonly string[] {
  const now = systemClock.now();
  const origins = { createdAt: () => toIso(now) };
  const texts = environments.flatMap((environment) =>
    Object.entries(resolveFiles(loaded.files, environment, origins).set.flags).flatMap(
      ([
        key,
        {
          about: { expiresAt },
        },
      ]) => {
        if (expiresAt === null || Date.parse(expiresAt) > now) return [];
        const { file, line, column } = loaded.place('flag', key, ['expires'], environment);
        return [
          `${file}:${line}:${column}  ${key} expired ${Math.floor((now - Date.parse(expiresAt)) / DAY_MS)}d ago: take it away, or say until when it is needed`,
        ];
      },
    ),
  );
  const distinct = [...new Set(texts)];
  const more = distinct.length - MOST_EXPIRED;
  return more > 0
    ? [...distinct.slice(0, MOST_EXPIRED), `${more} more flags expired; \`slipway flag stale\` lists those of an environment`]
    : distinct;
}

const DAY_MS = 86_400_000;
const MOST_EXPIRED = 10;

/**
 * Environments that the files name and slipway.yaml does not list, but the one that was asked for. A slip of the pen is no environment that
 * anybody looks at: the flag would go on elsewhere as if nothing was said.
 */
async function strangeEnvironments(
  call: Call,
  files: LoadedFlags['files'],
): Promise<{ readonly environments: ReadonlySet<string>; readonly problems: readonly FilesProblem[] }> {
  const namings = namingsIn(files);
  const environments = new Set<string>();
  for (const name of new Set(namings.map((one) => one.name)))
    if (name !== text(call, 'env') && !(await isListed(call, name))) environments.add(name);
  const problems = namings
    .filter(({ name }) => environments.has(name))
    .map(({ name, ...at }) => ({ ...at, message: `names ${name}, which slipway.yaml does not list` }));
  return { environments, problems };
}

type Naming = Omit<FilesProblem, 'message'> & { readonly name: string };

/** Every place where files name an environment. */
function namingsIn({ flags, segments }: LoadedFlags['files']): readonly Naming[] {
  const overrides = (kind: Naming['kind'], all: readonly { readonly key: string; readonly environments: object }[]): readonly Naming[] =>
    all.flatMap(({ key, environments }) => Object.keys(environments).map((name) => ({ kind, key, path: ['environments', name], name })));
  const tested = flags.flatMap(({ key, tests }) =>
    tests.flatMap((test, index) =>
      test.environments.map((name): Naming => ({ kind: 'flag', key, path: ['tests', index, 'environment'], name })),
    ),
  );
  return [...overrides('flag', flags), ...overrides('segment', segments), ...tested];
}
