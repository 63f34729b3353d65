import { silent, type MetricSource, type Question } from '../../analysis/index.ts';
import { messageOf, type Instant } from '../../kernel/index.ts';
import type { CanaryInput } from '../core/canary.ts';
import { dueOf, sourcesOf, type Answer, type SourceMemory } from '../core/canary-sources.ts';
import { openSource, ownerOf } from '../metric-sources.ts';
import type { StepContext } from '../ports.ts';
import { builtSource } from './command.ts';
import type { StepDeps } from './deps.ts';

/** The declared sources of one look, each read at its own pace, so that a slow one delays nobody. */
export interface SourcePolls {
  /** Asks those whose turn it is, and says when each was asked. */
  ask(memory: SourceMemory, now: Instant): SourceMemory;
  /** What came in since. */
  heard(): readonly Answer[];
  busy(): boolean;
  /** Ends what is still asked. */
  stop(): void;
}

/** Beyond a source's own time limit: none may hold a look for ever. */
const SPARE_MS = 5_000;

export async function openPolls(deps: StepDeps, context: StepContext, input: CanaryInput): Promise<SourcePolls> {
  const { plan } = context;
  const sources = await Promise.all(
    sourcesOf(input).map(async ({ name, source }) => ({
      name,
      timeoutMs: source.timeoutMs,
      source: await openSource(deps, ownerOf(plan), { source, cwd: builtSource(deps, context) }),
    })),
  );
  const question: Question = { service: plan.service, environment: plan.environment, canary: input.canary, stable: input.stable };
  const stopped = new AbortController();
  const asked = new Set<string>();
  let answers: Answer[] = [];
  const poll = async (name: string, source: MetricSource, timeoutMs: number): Promise<void> => {
    const late = AbortSignal.timeout(timeoutMs + SPARE_MS);
    const signal = AbortSignal.any([stopped.signal, late]);
    // A source never throws; one that does has a bug, which must not promote anything.
    const reading = await source.read(question, signal).catch((error: unknown) => silent(messageOf(error)));
    asked.delete(name);
    if (!stopped.signal.aborted) answers.push({ name, reading });
  };
  return {
    ask: (memory, now) => {
      const due = dueOf(input, memory, now).filter((name) => !asked.has(name));
      for (const { name, source, timeoutMs } of sources.filter((one) => due.includes(one.name))) {
        asked.add(name);
        void poll(name, source, timeoutMs);
      }
      return { ...memory, askedAt: { ...memory.askedAt, ...Object.fromEntries(due.map((name) => [name, now])) } };
    },
    heard: () => {
      const all = answers;
      answers = [];
      return all;
    },
    busy: () => asked.size > 0,
    stop: () => stopped.abort(),
  };
}
