import { isJsonObject, type JsonObject } from '../../kernel/pure.ts';
import { toBase64 } from './bytes.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Story } from './story.ts';

const SUMMARY_SCHEMA = 'slipway.evidence/1';

/** The part of summary.json that follows from the ledger; a verifier recomputes it and compares. */
export function fixedSummary(story: Story, checkpoint: Checkpoint): JsonObject {
  const steps = story.steps.map(({ log, ...step }) => ({ ...step, log: log === null ? null : { ...log } }));
  const { origin, size, root } = checkpoint;
  return { ...story, steps, schema: SUMMARY_SCHEMA, log: { origin, size, root: toBase64(root) } };
}

/** The fields in which a summary differs from what the ledger says; none when it agrees. */
export function summaryDifferences(fixed: JsonObject, summary: unknown, canonical: (value: unknown) => string): readonly string[] {
  if (!isJsonObject(summary)) return ['everything: it is not a JSON object'];
  return Object.keys(fixed).filter((field) => summary[field] === undefined || canonical(summary[field]) !== canonical(fixed[field]));
}
