import type { Reporter, TestModule } from 'vitest/node';

/** Ends the output with one plain line, `N passed, N failed`, for people and scripts that read only the last one. */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const count = (state: string): number => states.filter((found) => found === state).length;
    // A file that could not be loaded and an error outside any test are failures too, though no test carries them.
    const broken = modules.filter((module) => module.state() === 'failed' && [...module.children.allTests('failed')].length === 0).length;
    const skipped = count('skipped') === 0 ? '' : `, ${count('skipped')} skipped`;
    // After the default reporter's own summary, which is written in the same event.
    process.once('exit', () => console.log(`${count('passed')} passed, ${count('failed') + broken + errors.length} failed${skipped}`));
  }
}
