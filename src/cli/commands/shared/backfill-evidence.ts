import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, SlipwayError, toIso, type Instant, type JsonObject, type Verdict } from '../../../kernel/index.ts';

/** What is kept of the runs of one backfill: a line of JSON for each batch, and after each run one with the digest of all before it. */
export interface BackfillEvidence {
  readonly file: string;
  write(entry: Readonly<Record<string, unknown>>): void;
  /** Writes the last line of a run; answers its digest. */
  seal(entry: Readonly<Record<string, unknown>>): string;
  /** The same of a run that ends by an error, which is what has to be told: nothing where it wrote no line, or cannot any more. */
  sealIfBegun(entry: Readonly<Record<string, unknown>>): void;
}

/**
 * Nothing is read or written before the first line: until then another run may be writing.
 * @param about goes into the line with which the run starts
 * @throws SlipwayError `disk_full`, `state_corrupt` (the file cannot be read or written)
 */
export function openBackfillEvidence(file: string, now: () => Instant, about: Readonly<Record<string, unknown>>): BackfillEvidence {
  const hash = createHash('sha256');
  let begun = false;
  const append = (entry: Readonly<Record<string, unknown>>): void => {
    const line = `${JSON.stringify({ at: toIso(now()), ...entry })}\n`;
    appendFileSync(file, line, { mode: 0o600 });
    hash.update(line);
  };
  const seal = (entry: Readonly<Record<string, unknown>>): string => {
    const sha256 = hash.copy().digest('hex');
    append({ ...entry, sha256 });
    return sha256;
  };
  const begin = (): void => {
    if (begun) return;
    begun = true;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const before = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    const whole = before.subarray(0, before.lastIndexOf('\n') + 1);
    hash.update(whole);
    // Whoever was killed while it wrote left half a line: it becomes text in a whole one, so that every line can be read and nothing is lost.
    if (whole.length < before.length) {
      truncateSync(file, whole.length);
      append({ kind: 'cut', text: before.subarray(whole.length).toString() });
    }
    if (!isSealed(whole)) seal({ ...CUT_OFF, reason: 'it was cut off without a word; the next run sealed what it wrote' });
    append({ kind: 'start', ...about });
  };
  const saved = <T>(work: () => T): T => {
    try {
      begin();
      return work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        throw new SlipwayError('disk_full', `No space left to write ${file}; the batch before is kept`, { cause: error });
      throw new SlipwayError('state_corrupt', `The evidence ${file} cannot be written: ${messageOf(error)}`, {
        hint: 'Move it aside or give this user the right to write it; where the backfill is stands in the database, so it goes on all the same.',
        cause: error,
      });
    }
  };
  return {
    file,
    write: (entry) => saved(() => append(entry)),
    seal: (entry) => saved(() => seal(entry)),
    sealIfBegun: (entry) => {
      if (!begun) return;
      try {
        seal(entry);
      } catch {
        // The error that ended the run is told; the next run seals the file.
      }
    },
  };
}

/** How a run ended that could not say it. */
const CUT_OFF = { kind: 'end', verdict: 'unknown' } as const;

/** Is the last of these lines one that seals those before it? Where there is none, there is nothing to seal. */
function isSealed(whole: Buffer): boolean {
  if (whole.length === 0) return true;
  const last = whole.subarray(whole.lastIndexOf('\n', whole.length - 2) + 1);
  return parsed(last)?.['kind'] === 'end';
}

export interface EvidenceRun {
  /** The line that seals it, from 1. */
  readonly line: number;
  readonly at: string;
  readonly verdict: string;
  readonly sha256: string;
  readonly agrees: boolean;
}

export interface EvidenceCheck {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly lines: number;
  readonly runs: readonly EvidenceRun[];
}

/** Does each digest agree with the lines before it, and is the last line one? */
export function checkBackfillEvidence(text: Buffer): EvidenceCheck {
  const hash = createHash('sha256');
  const runs: EvidenceRun[] = [];
  let [line, from] = [0, 0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
    line += 1;
    const entry = parsed(text.subarray(from, end));
    if (entry === null) return { verdict: 'fail', reason: `line ${line} is no JSON: it was changed`, lines: line, runs };
    const { at, kind, verdict, sha256 } = entry;
    if (kind === 'end')
      runs.push({ line, at: told(at), verdict: told(verdict), sha256: told(sha256), agrees: sha256 === hash.copy().digest('hex') });
    hash.update(text.subarray(from, end + 1));
    from = end + 1;
  }
  return { ...judge(runs, line, text.length - from), lines: line, runs };
}

const told = (value: unknown): string => (typeof value === 'string' ? value : '');

function judge(runs: readonly EvidenceRun[], lines: number, rest: number): { readonly verdict: Verdict; readonly reason: string } {
  const wrong = runs.find(({ agrees }) => !agrees);
  const sealed = runs.at(-1)?.line ?? 0;
  if (wrong !== undefined)
    return { verdict: 'fail', reason: `the digest in line ${wrong.line} is not that of the lines before it: they were changed` };
  if (rest > 0)
    return { verdict: 'unknown', reason: `the last line is cut off: a run was killed while it wrote, and the next one will mark it` };
  if (sealed < lines || lines === 0)
    return {
      verdict: 'unknown',
      reason: `${lines - sealed} lines are not sealed yet: their run goes on, or was cut off; the next one seals them`,
    };
  return { verdict: 'pass', reason: `${lines} lines agree with the digests of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}` };
}

function parsed(line: Buffer): JsonObject | null {
  try {
    return JSON.parse(line.toString()) as JsonObject;
  } catch {
    return null;
  }
}
