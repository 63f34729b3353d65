import type { ContractDefinition, Contraction, OldShape, OutOfTheWay, Unreadable } from '../../database/index.ts';
import type { Check, Duration, Verdict } from '../../kernel/index.ts';
import type { Definition } from '../core/definition.ts';

/** What is asked of a gate. */
export interface ContractRequest {
  readonly workspace: string;
  /** Where the source lies, as it is released: contracts, backfills, migrations and queries are read there. */
  readonly folder: string;
  readonly definition: Definition;
  readonly gitSha: string | null;
  /** `due`: what pending files contract; `all`: what is declared, too; or one by its name. */
  readonly only: 'due' | 'all' | { readonly name: string };
  /** True where this release itself proves what it contracts (`database.prove`). */
  readonly proves: boolean;
  /** Rows of which a sample is taken. */
  readonly sampleRows: number;
  readonly signal?: AbortSignal;
}

/** Something to be contracted, declared or found in a pending file. */
export interface Subject {
  /** Null: what pending files contract and nothing declares. */
  readonly declared: ContractDefinition | null;
  readonly shapes: readonly OldShape[];
  /** The statements that contract it; none while no file does. */
  readonly contractions: readonly Contraction[];
  readonly unreadable: readonly Unreadable[];
  readonly away: OutOfTheWay;
}

/** What the gate answers about one of them. */
export interface ContractReport {
  readonly name: string | null;
  readonly shapes: readonly string[];
  readonly replacedBy: string | null;
  /** Pending files that contract it. */
  readonly files: readonly string[];
  readonly since: string | null;
  readonly windowMs: Duration;
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
}

/** Whether what is about to be contracted may be. */
export interface GateReport {
  readonly schema: 'slipway.contract/1';
  readonly at: string;
  readonly service: string;
  readonly environment: string;
  /** Unknown where there is nothing to judge. */
  readonly verdict: Verdict;
  readonly contracts: readonly ContractReport[];
}
