import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of a minute or two each, then those that start servers and processes, then the rest. */
const LONGEST = ['/test/e2e/', '/test/chaos/', '/test/workers/', '/test/', '/adapters/'];

function rank({ moduleId, project }: TestSpecification): number {
  // Those that share their process run one after another, last: they fill what is left.
  if (!project.config.isolate) return LONGEST.length + 1;
  const found = LONGEST.findIndex((part) => moduleId.includes(part));
  return found === -1 ? LONGEST.length : found;
}

/** Begins with what takes longest, so that nobody waits for a file that began last; a machine of CI has no durations of an earlier run. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
