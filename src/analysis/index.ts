export * from './pure.ts';
export type { MetricSource, Question } from './ports.ts';
export * from './lazily.ts';
