export * from './pure.ts';
export * from './effects.ts';
export * from './system.ts';
