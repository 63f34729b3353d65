import type { Duration, Template } from '../../kernel/pure.ts';
import type { FactName } from './fact.ts';
import type { GuardPolicy } from './guard.ts';
import type { MetricPolicy } from './policy.ts';

/** How often a source is asked, and how long one answer may take. */
export interface Pace {
  readonly everyMs: Duration;
  readonly timeoutMs: Duration;
}

/** What is read: the names or queries by which the source knows it. */
export type Ask =
  | { readonly kind: 'counts'; readonly requests: string; readonly bad: string }
  | { readonly kind: 'histogram'; readonly histogram: string }
  | { readonly kind: 'gauge'; readonly gauge: string };

/** A metric source as configured; URL, token, arguments and variables are templates. */
export type SourceDefinition = PrometheusDefinition | OtlpDefinition | CommandSourceDefinition;

export interface PrometheusDefinition extends Pace {
  readonly from: 'prometheus';
  readonly url: Template;
  /** Bearer token, by reference; null when none is needed. */
  readonly token: Template | null;
  readonly ask: Ask;
}

export interface OtlpDefinition extends Pace {
  readonly from: 'otlp';
  readonly ask: Ask;
}

export interface CommandSourceDefinition extends Pace {
  readonly from: 'command';
  readonly argv: readonly Template[];
  readonly env: Readonly<Record<string, Template>>;
}

/** A metric of the judge's that is declared: where its counts come from, and what is tolerated of it. */
export interface MetricDefinition {
  readonly name: string;
  readonly source: SourceDefinition;
  /** The bucket bound above which a sample is bad, in the source's unit; null: the stable version's 99th percentile. */
  readonly slowerThan: number | null;
  readonly policy: MetricPolicy;
}

/** A guard that is declared: where its gauge comes from. */
export interface GuardDefinition extends GuardPolicy {
  readonly source: SourceDefinition;
}

/** A fact for the judge `documented` that is declared: where its gauge comes from. */
export interface FactDefinition {
  /** The key it is declared under, which no metric or guard can have. */
  readonly name: string;
  readonly fact: FactName;
  readonly source: SourceDefinition;
}
