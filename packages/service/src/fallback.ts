import { Counter, type Registry } from 'prom-client';

/** Counts one read that took the old shape because the new one was not filled. */
export type Fallback = () => void;

/** One counter for each old shape, at zero from the start: a series that is not there says nothing. */
export function createFallbacks(registry: Registry): (shape: string) => Fallback {
  let reads: Counter<'shape'> | undefined;
  return (shape) => {
    reads ??= new Counter({
      name: 'read_fallback_total',
      help: 'Reads that took an old shape because the new one was not filled.',
      labelNames: ['shape'],
      registers: [registry],
    });
    const counter = reads;
    counter.inc({ shape }, 0);
    return () => counter.inc({ shape });
  };
}
