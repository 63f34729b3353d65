import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { answerOf, catchPlot, playOnce, plotSvg, usualRuns, type WhatIf, type WhatIfAnswer } from '../../analysis/index.ts';
import { messageOf, SlipwayError } from '../../kernel/index.ts';
import { documentOf, renderAnswers } from '../output/simulation.ts';
import { questionOf } from './shared/what-if.ts';
import { wholeNumber } from './shared/numbers.ts';
import { text, type Call, type Handler } from './spec.ts';

const RUNS = [10, 10_000] as const;
const SEEDS = [0, 0xffff_ffff] as const;

/** Plays canaries that do not exist through the judge that would judge them: would it notice, how soon, at what cost. Changes nothing. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const runs = optional(call, 'runs', (given) => wholeNumber('--runs', given, RUNS));
  const seed = optional(call, 'seed', (given) => wholeNumber('--seed', given, SEEDS)) ?? randomInt(0, SEEDS[1]);
  const { question, errors, notes } = await questionOf(call);
  const what: WhatIf = { ...question, seed, runs: runs ?? usualRuns(question) };
  const answers = await play(call, what, [null, ...errors]);
  const file = text(call, 'svg');
  if (file !== undefined) await save(resolve(file), plotSvg(catchPlot(what, answers)));
  if (terminal.json) terminal.data(documentOf(what, answers, { notes, svg: file ?? null }));
  else terminal.say(renderAnswers(what, answers, { notes, terminal, environment: call.environment }));
  return 0;
};

function optional<T>(call: Call, name: string, read: (given: string) => T): T | null {
  const given = text(call, name);
  return given === undefined ? null : read(given);
}

/** All runs of all canaries; between two of them a Ctrl-C is heard, and a terminal sees how far it is. */
async function play({ terminal }: Call, what: WhatIf, canaries: readonly (number | null)[]): Promise<readonly WhatIfAnswer[]> {
  const answers: WhatIfAnswer[] = [];
  for (const [index, errors] of canaries.entries()) {
    const outcomes = [];
    for (let run = 0; run < what.runs; run++) {
      if (terminal.live) terminal.raw(`\r\u001B[Kcanary ${index + 1} of ${canaries.length}, run ${run + 1} of ${what.runs}`);
      outcomes.push(playOnce(what, errors, run));
      await new Promise(setImmediate);
    }
    answers.push(answerOf(what, errors, outcomes));
  }
  if (terminal.live) terminal.raw('\r\u001B[K');
  return answers;
}

async function save(file: string, svg: string): Promise<void> {
  await writeFile(file, svg).catch((error: unknown) => {
    throw new SlipwayError('usage', `--svg: ${file} cannot be written: ${messageOf(error)}`, {
      cause: error,
      hint: 'Name a file in a folder that exists.',
    });
  });
}
