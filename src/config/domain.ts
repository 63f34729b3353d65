/** The words of the heart this room translates into; the one place that says where they come from. */
export type {
  CanaryDefinition,
  CohortDefinition,
  CommandDefinition,
  DatabaseDefinition,
  Definition,
  HealthDefinition,
  HttpCheck,
  ObserveDefinition,
  ProcessDefinition,
  RollbackDefinition,
  RollingDefinition,
  SmokeCheck,
  SmokeDefinition,
  StrategyDefinition,
} from '../release/index.ts';
export type { Ask, FactDefinition, GuardDefinition, MetricDefinition, SourceDefinition } from '../analysis/index.ts';
