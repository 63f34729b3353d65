import { isJsonObject, type JsonObject } from '../../kernel/pure.ts';

/** What a program printed last, kept beside the reason of a step it failed: the cause is nearly always there. */
export interface Printed {
  /** The instance or the command. */
  readonly of: string;
  /** Oldest first, redacted. */
  readonly lines: readonly string[];
}

const MOST_LINES = 10;
/** A line of JSON has its trace ids first; what went wrong comes behind them. */
const LONGEST_LINE = 500;

/** The fact that carries it, bounded; none for a program that printed nothing. The step's log has the rest. */
export function printedFact({ of, lines }: Printed): JsonObject {
  if (lines.length === 0) return {};
  // Nothing a program prints may steer the terminal of whoever reads it.
  const plain = lines.slice(-MOST_LINES).map((line) => line.replaceAll(/\p{Cc}/gu, ' '));
  const bounded = plain.map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line));
  return { output: { of, lines: bounded } };
}

/** What a step's facts say was printed; null when they say nothing of it. */
export function printedOf(facts: JsonObject): Printed | null {
  const output = facts['output'];
  if (output === undefined || !isJsonObject(output)) return null;
  const { of, lines } = output;
  if (typeof of !== 'string' || !Array.isArray(lines)) return null;
  return { of, lines: lines.filter((line): line is string => typeof line === 'string') };
}
