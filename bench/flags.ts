import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plainFlags, ruleFlags, USERS, USERS_OF_NO_RULE, usersOfRules, type BenchFlag } from './flags/flags.ts';
import { compiling } from './flags/slipway.ts';
import type { Picks, Subject } from './flags/subject.ts';
import { ALIKE, SUBJECTS } from './flags/subjects.ts';
import type { BenchResult, BenchRow } from './result.ts';
import { median, shuffled } from './stats.ts';

const ROUNDS = 7;
/** CPU time of one subject in one round. */
const SLICE_MS = 120;
const BATCH = 2_048;
const LARGE = 10_000;

interface Case {
  readonly name: string;
  readonly flags: readonly BenchFlag[];
}

const CASES: readonly Case[] = [
  ...[1, 100, LARGE].map((count) => ({ name: `plain, ${count}`, flags: plainFlags(count) })),
  ...[1, 100, LARGE].map((count) => ({ name: `rules, ${count}`, flags: ruleFlags(count, ALIKE) })),
  { name: `rules, ${LARGE}, no two alike`, flags: ruleFlags(LARGE, 1) },
];

/** What is asked of the evaluator, as a ratio to a rival. */
const TARGETS: readonly (readonly [column: string, rival: string, ratio: number])[] = [
  ['rules, 100', 'flagd-core', 3],
  ['rules, 100', 'unleash-client', 10],
  ['rules, 100', 'LaunchDarkly', 10],
  ['rules, 100', 'GrowthBook', 10],
  [`rules, ${LARGE}`, 'flagd-core', 1.5],
];
const OURS = 'slipway, key';

/** `@slipway/flags` beside others: evaluations per CPU-second, garbage collection included, and heap per flag. All are asked for the same answers first. */
export async function benchFlags(): Promise<readonly BenchResult[]> {
  const columns = new Map<string, ReadonlyMap<string, number>>();
  for (const one of CASES) columns.set(one.name, await measure(one.flags));
  const rows = Object.keys(SUBJECTS).map((subject) => ({
    subject,
    figures: {
      ...Object.fromEntries([...columns].map(([name, figures]) => [name, (figures.get(subject) ?? Number.NaN) / 1_000])),
      'heap B/flag': heapPerFlag(subject),
    },
  }));
  return [{ name: 'flags', unit: 'thousand evaluations per CPU-second', rows, notes: notesOn(rows) }, compileResult()];
}

function notesOn(rows: readonly BenchRow[]): readonly string[] {
  const figure = (subject: string, column: string): number => rows.find((row) => row.subject === subject)?.figures[column] ?? Number.NaN;
  return [
    `median of ${ROUNDS} interleaved rounds of ${SLICE_MS} ms CPU each; ${USERS} users, flags and users in an order of chance`,
    `rules: five that do not hold (in, endsWith, eq, gt, semverGt), then a split in halves; ${ALIKE} flags have the same rules, but in the last column`,
    'before timing, every library gave the same answer to a user of each rule; splits are dealt by the hash of each, so there it is the share',
    `heap: of ${LARGE} flags with rules, definitions included, in a process of its own`,
    ...TARGETS.map(([column, rival, wanted]) => {
      const ratio = figure(OURS, column) / figure(rival, column);
      return `target: ${OURS} at least ${wanted} times ${rival} at "${column}": ${ratio.toFixed(1)}, ${ratio >= wanted ? 'met' : 'MISSED'}`;
    }),
  ];
}

/** Evaluations per CPU-second, by subject. */
async function measure(flags: readonly BenchFlag[]): Promise<ReadonlyMap<string, number>> {
  const subjects = new Map<string, Subject>();
  for (const [name, load] of Object.entries(SUBJECTS)) {
    await checkAnswers(name, flags);
    subjects.set(name, await load(flags, USERS_OF_NO_RULE));
  }
  const samples = new Map<string, number[]>([...subjects.keys()].map((name) => [name, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, subject] of shuffled([...subjects])) {
      const rate = await slice(subject, flags.length);
      // The first round only warms up.
      if (round >= 0) samples.get(name)?.push(rate);
    }
  }
  for (const subject of subjects.values()) await subject.close();
  return new Map([...samples].map(([name, rates]) => [name, median(rates)]));
}

async function slice(subject: Subject, flags: number): Promise<number> {
  let [evaluations, spent] = [0, 0];
  while (spent < SLICE_MS * 1_000) {
    const picks = picksOf(flags);
    const before = process.cpuUsage();
    await subject.run(picks);
    const { user, system } = process.cpuUsage(before);
    spent += user + system;
    evaluations += BATCH;
  }
  return (evaluations / spent) * 1_000_000;
}

function picksOf(flags: number): Picks {
  const chosen = (below: number) => Uint32Array.from({ length: BATCH }, () => Math.floor(Math.random() * below));
  return { flags: chosen(flags), users: chosen(USERS) };
}

/** @throws Error when a library answers otherwise than the flags mean */
async function checkAnswers(name: string, flags: readonly BenchFlag[]): Promise<void> {
  const some = [...new Set([flags[0], flags[Math.floor(flags.length / 2)], flags.at(-1)])].filter((flag) => flag !== undefined);
  for (const flag of some) {
    const certain = flag.rules === null ? USERS_OF_NO_RULE : usersOfRules(flag.rules);
    await expectTrue(name, flag, certain.length, await SUBJECTS[name]?.([flag], certain));
    // Half of 1,024, give or take five standard deviations.
    if (flag.rules !== null) await expectTrue(name, flag, [432, 592], await SUBJECTS[name]?.([flag], USERS_OF_NO_RULE));
  }
}

async function expectTrue(
  name: string,
  { key, rules }: BenchFlag,
  wanted: number | readonly [number, number],
  subject: Subject | undefined,
): Promise<void> {
  const length = typeof wanted === 'number' ? wanted : USERS;
  const count = (await subject?.run({ flags: new Uint32Array(length), users: Uint32Array.from({ length }, (_, at) => at) })) ?? Number.NaN;
  await subject?.close();
  const [least, most] = typeof wanted === 'number' ? [wanted, wanted] : wanted;
  if (count >= least && count <= most) return;
  throw new Error(
    `${name} says true to ${count} of ${length} users of ${key} ${rules === null ? '' : 'with rules'}, and not to ${least} to ${most}.`,
  );
}

function heapPerFlag(subject: string): number {
  const program = fileURLToPath(new URL('flags/heap-main.ts', import.meta.url));
  return Number(execFileSync(process.execPath, ['--expose-gc', program, subject, String(LARGE)], { encoding: 'utf8' }));
}

function compileResult(): BenchResult {
  const rows = [100, LARGE].map((count) => {
    const work = compiling(ruleFlags(count, ALIKE));
    const times = Array.from({ length: ROUNDS + 1 }, () => {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    });
    return { subject: `${count} flags with rules`, figures: { 'ms CPU': median(times.slice(1)) } };
  });
  return { name: 'flags: compile', unit: 'ms CPU', rows, notes: [`median of ${ROUNDS}; a client compiles once for each change`] };
}
