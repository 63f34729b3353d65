import { totalmem } from 'node:os';
import { Gauge, type Registry } from 'prom-client';

/** The container's limit, else the machine's memory. Without a limit Node tells 0, or more than any machine has. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** The limit beside the process's own metrics: how much memory is too much cannot be said without it. */
export function exposeMemoryLimit(registry: Registry): void {
  registry.registerMetric(
    new Gauge({
      name: 'process_memory_limit_bytes',
      help: 'Memory the process may use.',
      registers: [],
      collect() {
        this.set(memoryLimit());
      },
    }),
  );
}
