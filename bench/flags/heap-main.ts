/** `node --expose-gc heap-main.ts SUBJECT COUNT`: bytes of heap per flag with rules, on stdout. A process of its own, so that nothing else is counted. */
import { ruleFlags } from './flags.ts';
import { ALIKE, SUBJECTS } from './subjects.ts';

const [name = '', count = ''] = process.argv.slice(2);
const load = SUBJECTS[name];
if (load === undefined || globalThis.gc === undefined) throw new Error('Started by bench/flags.ts, with a subject and --expose-gc.');

/** What is loaded once, whatever the number of flags, is not counted per flag. */
const warm = await load(ruleFlags(1, ALIKE), []);
await warm.close();

async function used(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

const before = await used();
const subject = await load(ruleFlags(Number(count), ALIKE), []);
const after = await used();
process.stdout.write(String((after - before) / Number(count)));
await subject.close();
