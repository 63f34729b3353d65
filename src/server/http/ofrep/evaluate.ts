import { compileFlags, type FlagEvaluation } from '../../../flags/index.ts';
import { ByteCache } from '../byte-cache.ts';
import type { Snapshot } from '../mount.ts';
import { prepare, type Picks, type Prepared, type TakeMemory } from './parts.ts';
import { readContext } from './request.ts';

/** All flags for one context, as OFREP tells them. */
export interface BulkResult {
  /** Depends on what was evaluated and nothing else, so that a change this context does not feel is answered with 304. */
  readonly hash: string;
  /** The JSON of the answer; `rest` is what follows `{"flags":[...]`. Made anew each time: kept for each context it would fill the memory. */
  text(rest: string, take: TakeMemory): Buffer<ArrayBuffer>;
}

export interface SingleResult {
  readonly status: 200 | 400 | 404;
  readonly variant: string | null;
  readonly text: string;
}

export interface OfrepEvaluator {
  /** @throws OfrepFailure, BodyError */
  bulk(snapshot: Snapshot, body: string): BulkResult;
  /** The status and the JSON text of its body; the variant is null where there is none. @throws OfrepFailure, BodyError */
  single(snapshot: Snapshot, key: string, body: string): SingleResult;
}

/** Bulk results that are kept: two bytes for each flag, and the question. */
const MOST_CACHED_BYTES = 4 * 1024 * 1024;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 512;

/** What belongs to one snapshot. */
interface Known extends Prepared {
  /** In the keys of bulk results: `seq` alone is not enough, for after a backup was restored it is another change. */
  readonly number: number;
}

/** Evaluates for OFREP. The same question asked again, byte for byte, is answered without evaluating. */
export function createOfrepEvaluator(): OfrepEvaluator {
  const known = new WeakMap<Snapshot, Known>();
  const results = new ByteCache<Picks>(MOST_CACHED_BYTES);
  let prepares = 0;
  const knownOf = (snapshot: Snapshot): Known => {
    let found = known.get(snapshot);
    if (found === undefined) known.set(snapshot, (found = { ...prepare(compileFlags(snapshot.set), textOf), number: (prepares += 1) }));
    return found;
  };
  return {
    bulk: (snapshot, body) => {
      const flags = knownOf(snapshot);
      const key = `${flags.number}\n${body}`;
      let picks = results.get(key);
      if (picks === undefined) {
        picks = flags.pick(readContext(body));
        results.set(key, picks, ENTRY_BYTES + key.length + picks.places.byteLength);
      }
      return resultOf(flags, picks);
    },
    single: (snapshot, key, body) => {
      const context = readContext(body);
      const evaluation = knownOf(snapshot).evaluator.evaluate(key, context);
      const status = evaluation.errorCode === null ? 200 : evaluation.errorCode === 'FLAG_NOT_FOUND' ? 404 : 400;
      return { status, variant: evaluation.errorCode === null ? evaluation.variant : null, text: textOf(evaluation) };
    },
  };
}

function resultOf(flags: Prepared, picks: Picks): BulkResult {
  return { hash: picks.hash, text: (rest, take) => flags.text(picks, rest, take) };
}

/**
 * A success or a failure of OFREP. It names neither the rule nor the prerequisite: rules are not for everybody who may ask for values.
 */
function textOf({ key, value, variant, reason, errorCode, errorMessage }: FlagEvaluation): string {
  if (errorCode !== null) return JSON.stringify({ key, errorCode, errorDetails: detailsOf(errorCode, errorMessage) });
  return JSON.stringify({ key, reason, variant, value });
}

function detailsOf(errorCode: string, message: string | null): string {
  // What is wrong with a flag quotes its rules.
  return errorCode === 'PARSE_ERROR' ? 'The flag cannot be evaluated: it is malformed' : (message ?? errorCode);
}
