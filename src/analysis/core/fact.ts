import type { Duration, Instant } from '../../kernel/pure.ts';
import type { TickFacts } from './documented-facts.ts';
import type { Both, Reading } from './reading.ts';

/** What the judge `documented` is told beside requests, by the name under which it is declared. */
export const FACTS = ['cpu', 'memory', 'memory-of-limit', 'breakers', 'corrupted'] as const;
export type FactName = (typeof FACTS)[number];

/** What is remembered of a declared fact: the newest answer of its source. */
export interface FactState {
  readonly at: Instant;
  readonly values: Both<number> | null;
  /** Why it gave nothing. */
  readonly silent: string | null;
}

/** Memory a little above its limit may be seen for a moment; a limit that is told in percent, or in bytes, is not. */
const MOST_OF_LIMIT = 2;

/** One reading taken in. */
export function factOf(fact: FactName, reading: Reading, at: Instant): FactState {
  if (reading.kind === 'silent') return { at, values: null, silent: reading.reason };
  if (reading.kind !== 'gauge') return { at, values: null, silent: 'it gives counts, where a gauge is needed' };
  const { canary, stable } = reading.versions;
  const problem = problemOf(fact, canary) ?? problemOf(fact, stable);
  return problem === null ? { at, values: reading.versions, silent: null } : { at, values: null, silent: problem };
}

function problemOf(fact: FactName, value: number): string | null {
  if (value < 0) return `${value} is less than nothing`;
  if (fact === 'memory-of-limit' && value > MOST_OF_LIMIT) return `${value} is no share of the limit, of which 0.9 is 90 %`;
  return null;
}

/** The pace of a fact's source, as declared. */
interface Told {
  readonly fact: FactName;
  readonly source: { readonly everyMs: Duration; readonly timeoutMs: Duration };
}

/** What is known at one moment. An answer that should have been followed by another one long ago says nothing of now. */
export function factsAt(
  declared: readonly Told[],
  states: Readonly<Record<string, FactState>>,
  at: Instant,
): Pick<TickFacts, 'cpu' | 'memory' | 'memoryOfLimit' | 'breakersOpen' | 'corrupted'> {
  const valuesOf = (name: FactName): Both<number> | null => {
    const source = declared.find(({ fact }) => fact === name)?.source;
    const state = states[name];
    if (source === undefined || state === undefined || at - state.at > 2 * source.everyMs + source.timeoutMs) return null;
    return state.values;
  };
  const canaryOf = (name: FactName): number | null => valuesOf(name)?.canary ?? null;
  const isSet = (value: number | null): boolean | null => (value === null ? null : value > 0);
  return {
    cpu: valuesOf('cpu'),
    memory: valuesOf('memory'),
    memoryOfLimit: canaryOf('memory-of-limit'),
    breakersOpen: isSet(canaryOf('breakers')),
    corrupted: isSet(canaryOf('corrupted')),
  };
}
