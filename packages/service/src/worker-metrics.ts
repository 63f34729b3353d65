import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** From a mail to a report, in seconds. */
const BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

type JobOutcome = 'done' | 'failed' | 'released';

export interface JobCounters {
  /** Counts a job as running until the returned function is called, once, with how it ended. */
  begin(worker: string): (outcome: JobOutcome) => void;
}

const made = new WeakMap<Registry, JobCounters>();

/** All workers of a service share one set of metrics, told apart by the label `worker`. */
export function createJobCounters(registry: Registry): JobCounters {
  const known = made.get(registry);
  if (known !== undefined) return known;
  const registers = [registry];
  const total = new Counter({ name: 'jobs_total', help: 'Jobs ended.', labelNames: ['worker', 'outcome'], registers });
  const running = new Gauge({ name: 'jobs_in_flight', help: 'Jobs running now.', labelNames: ['worker'], registers });
  const duration = new Histogram({
    name: 'job_duration_seconds',
    help: 'Time from the first attempt to the end of a job.',
    labelNames: ['worker', 'outcome'],
    buckets: BUCKETS,
    registers,
  });
  const counters: JobCounters = {
    begin: (worker) => {
      running.inc({ worker });
      const end = duration.startTimer({ worker });
      return (outcome) => {
        running.dec({ worker });
        total.inc({ worker, outcome });
        end({ outcome });
      };
    },
  };
  made.set(registry, counters);
  return counters;
}
