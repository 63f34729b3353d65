import { createHash, hash } from 'node:crypto';
import type { FlagContext, FlagDecision, FlagEvaluation, FlagEvaluator } from '../../../flags/index.ts';

/** What all flags tell one context: for each its place among what that flag ever told. Two bytes a flag, so that many can be kept. */
export interface Picks {
  readonly places: Uint16Array;
  /** Bytes of all of them. */
  readonly bytes: number;
  /** Of what is told and nothing else: the same in every process, for the same flags and values. */
  readonly hash: string;
}

/** The flags of one snapshot, and the text of what they tell, made once. */
export interface Prepared {
  readonly evaluator: FlagEvaluator;
  pick(context: FlagContext): Picks;
  /** The JSON of a bulk answer; `rest` is what follows `{"flags":[...]`, and `take` gives memory of so many bytes for it. */
  text(picks: Picks, rest: string, take: TakeMemory): Buffer<ArrayBuffer>;
}

export type TakeMemory = (bytes: number) => Buffer<ArrayBuffer>;

interface Part {
  /** With a comma in front, but of the first flag. */
  readonly bytes: Buffer;
  readonly digest: Uint32Array;
}

/** What one flag told so far. Decisions that differ in their rule only are told alike. */
interface Told {
  readonly parts: Part[];
  readonly places: Map<FlagDecision | null, number>;
}

const HEAD = Buffer.from('{"flags":[');
/** 128 bits of SHA-256. */
const DIGEST_WORDS = 4;

/** @param textOf the JSON of one evaluation */
export function prepare(evaluator: FlagEvaluator, textOf: (evaluation: FlagEvaluation) => string): Prepared {
  const { keys } = evaluator;
  const told: readonly Told[] = keys.map(() => ({ parts: [], places: new Map() }));
  const digests = new Uint32Array(DIGEST_WORDS * keys.length);
  const add = (at: number, context: FlagContext): number => {
    const { parts } = told[at] as Told;
    const text = textOf(evaluator.evaluate(keys[at] as string, context));
    const bytes = Buffer.from(at === 0 ? text : `,${text}`);
    const known = parts.findIndex((part) => part.bytes.equals(bytes));
    return known === -1 ? parts.push({ bytes, digest: digestOf(bytes) }) - 1 : known;
  };
  const placeOf = (at: number, decision: FlagDecision | null, context: FlagContext): number => {
    const { places } = told[at] as Told;
    let place = places.get(decision);
    if (place === undefined) places.set(decision, (place = add(at, context)));
    return place;
  };
  return {
    evaluator,
    pick: (context) => {
      const decisions = evaluator.decisions(context);
      // A flag has a hundred variants at most, and tells each in a few ways.
      const places = new Uint16Array(decisions.length);
      let bytes = 0;
      for (let at = 0; at < decisions.length; at++) {
        const place = placeOf(at, decisions[at] as FlagDecision | null, context);
        const part = told[at]?.parts[place] as Part;
        places[at] = place;
        bytes += part.bytes.length;
        for (let word = 0; word < DIGEST_WORDS; word++) digests[at * DIGEST_WORDS + word] = part.digest[word] as number;
      }
      return { places, bytes, hash: hash('sha1', digests, 'base64url') };
    },
    text: ({ places, bytes }, rest, take) => {
      const end = `]${rest}}`;
      const text = take(HEAD.length + bytes + Buffer.byteLength(end));
      text.set(HEAD);
      let to = HEAD.length;
      for (let at = 0; at < places.length; at++) {
        const part = told[at]?.parts[places[at] as number] as Part;
        text.set(part.bytes, to);
        to += part.bytes.length;
      }
      text.write(end, to);
      return text;
    },
  };
}

function digestOf(bytes: Buffer): Uint32Array {
  const digest = createHash('sha256').update(bytes).digest();
  return new Uint32Array(Uint8Array.from(digest).buffer, 0, DIGEST_WORDS);
}
