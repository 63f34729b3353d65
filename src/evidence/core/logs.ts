import type { Sum } from './layout.ts';
import type { Story } from './story.ts';

/** A raw log as found. */
export interface FoundLog extends Sum {
  readonly bytes: number;
}

/** What is wrong between the logs the ledger names and those found, both ways; nothing when they are the same. */
export function logDifferences(story: Story, found: readonly FoundLog[]): readonly string[] {
  const named = story.steps.flatMap((step) => (step.log === null ? [] : [step.log]));
  const byName = new Map(found.map((log) => [log.name, log]));
  const names = new Set(named.map(({ name }) => name));
  const wrong = named.flatMap(({ name, sha256, bytes }, index) => {
    if (named.findIndex((other) => other.name === name) !== index) return [`two events name ${name}`];
    const log = byName.get(name);
    if (log === undefined) return [`${name} is missing`];
    return log.sha256 === sha256 && log.bytes === bytes ? [] : [`${name} is not the log its event names`];
  });
  return [...wrong, ...found.filter(({ name }) => !names.has(name)).map(({ name }) => `no event names ${name}`)];
}
