export { compile, type CompileOptions } from './core/compile.ts';
export type * from './core/definition.ts';
export type * from './core/evaluator.ts';
export { liveFlags, type LiveFlags } from './core/live.ts';
export { explain, type Explanation, type Step } from './core/explain/explain.ts';
export type { Bucket, ExplainedCondition, Word } from './core/explain/condition.ts';
export type { Problem } from './core/validate/shape.ts';
export { validate, validateFlag, validateSegment, type Beside } from './core/validate/set.ts';
