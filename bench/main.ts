/**
 * `npm run bench [-- NAME... --json FILE --runs N --seed N]`: runs the benchmarks (all, or the named ones) one after the other, prints tables and
 * writes JSON. It measures and says; a slow figure never makes it fail, a benchmark that breaks does.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine, machine, type Machine } from './machine.ts';
import { formatResult, type BenchResult } from './result.ts';

/** For benchmarks that play with chance. */
interface Chance {
  readonly runs: number | undefined;
  readonly seed: number | undefined;
}

type Bench = (chance: Chance) => Promise<Iterable<BenchResult>>;

/** Loaded when they run, so that one that does not load leaves the others alone. */
const BENCHES: Readonly<Record<string, Bench>> = {
  cli: async () => [await (await import('./cli.ts')).benchCli()],
  decide: async () => [await (await import('./decide.ts')).benchDecide()],
  evidence: async () => [await (await import('./evidence.ts')).benchEvidence()],
  judge: async (chance) => (await import('./judge.ts')).benchJudge(chance),
  store: async () => [await (await import('./store.ts')).benchStore()],
  resume: async () => [await (await import('./resume.ts')).benchResume()],
  release: async () => (await import('./release.ts')).benchRelease(),
  reaction: async () => (await import('./reaction.ts')).benchReaction(),
  lint: async () => [await (await import('./db/lint.ts')).benchLint()],
  trace: async () => [await (await import('./db/trace.ts')).benchTrace()],
  ddl: async () => [await (await import('./db/ddl.ts')).benchDdl()],
  backfill: async () => (await import('./db/backfill.ts')).benchBackfill(),
  flags: async () => (await import('./flags.ts')).benchFlags(),
  router: async () => [await (await import('./router.ts')).benchRouter()],
  'flags-fanout': async () => (await import('./flags-fanout.ts')).benchFlagsFanout(),
  'flags-server': async () => (await import('./flags-server.ts')).benchFlagsServer(),
};

interface Report {
  readonly schema: 'slipway.bench/1';
  readonly at: string;
  readonly machine: Machine;
  readonly results: readonly (BenchResult & { readonly loadBefore: number })[];
  readonly broken: readonly { readonly bench: string; readonly error: string }[];
}

async function runAll(names: readonly string[], chance: Chance, say: (text: string) => void): Promise<Report> {
  const at = new Date().toISOString();
  const start = machine();
  const results: (BenchResult & { loadBefore: number })[] = [];
  const broken: { bench: string; error: string }[] = [];
  say(describeMachine(start));
  for (const name of names) {
    const loadBefore = machine().load;
    try {
      for (const result of (await BENCHES[name]?.(chance)) ?? []) {
        results.push({ ...result, loadBefore });
        say(`\n${formatResult(result)}\n- load before: ${loadBefore}`);
      }
    } catch (error) {
      broken.push({ bench: name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      say(`\n${name} broke: ${broken.at(-1)?.error}`);
    }
  }
  return { schema: 'slipway.bench/1', at, machine: start, results, broken };
}

const OPTIONS = { json: { type: 'string' }, runs: { type: 'string' }, seed: { type: 'string' } } as const;
const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
const numbered = ([values.runs, values.seed] as const).map((text) => (text === undefined ? undefined : Number(text)));
if (numbered.some((number) => number !== undefined && !(Number.isInteger(number) && number >= 0))) {
  process.stderr.write('--runs and --seed are whole numbers.\n');
  process.exit(2);
}
const unknown = positionals.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.\n`);
  process.exit(2);
}
// `--json -` is for programs: the document alone on stdout, the tables beside it.
const aside = values.json === '-' ? process.stderr : process.stdout;
const [runs, seed] = numbered;
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const report = await runAll(names, { runs, seed }, (text) => void aside.write(`${text}\n`));
const document = `${JSON.stringify(report, null, 2)}\n`;
if (values.json === '-') process.stdout.write(document);
else if (values.json !== undefined) writeFileSync(values.json, document);
process.exitCode = report.broken.length > 0 ? 1 : 0;
