export type * from './ports.ts';
export type * from './core/definition.ts';
export type * from './core/events.ts';
export type * from './core/plan.ts';
export { effectKey, STAGES } from './core/plan.ts';
