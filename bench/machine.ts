import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a reader must know to compare figures with those of another machine. */
export interface Machine {
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  /** Load over the last minute; above the number of cores, times are longer than on a quiet machine. */
  readonly load: number;
}

/** The machine as it is now. */
export function machine(): Machine {
  const all = cpus();
  return {
    node: process.version,
    system: `${process.platform} ${release()} ${process.arch}`,
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryMb: Math.round(totalmem() / 1024 / 1024),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** One line for a terminal. */
export function describeMachine({ node, system, cpu, cores, memoryMb, load }: Machine): string {
  const busy = load > cores ? ' (BUSY: times are longer than on a quiet machine, trust the ratios)' : '';
  return `Node ${node}, ${system}, ${cores} x ${cpu}, ${memoryMb} MB, load ${load}${busy}`;
}
