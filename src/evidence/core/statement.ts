import { utf8, type JsonObject } from '../../kernel/pure.ts';
import { concatBytes, toBase64 } from './bytes.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Sum } from './layout.ts';
import type { Story } from './story.ts';

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'https://slipway.dev/deployment/v1';

/** What is signed in a DSSE envelope: `DSSEv1 <length> <type> <length> <payload>`, lengths in bytes (DSSE v1, protocol.md). */
export function preAuthEncoding(type: string, payload: Uint8Array): Uint8Array {
  return concatBytes(utf8(`DSSEv1 ${utf8(type).length} ${type} ${payload.length} `), payload);
}

/** An in-toto Statement v1 that says how the release ended, about files of the pack and the artifacts released. */
export function deploymentStatement(story: Story, checkpoint: Checkpoint, subjects: readonly Sum[]): JsonObject {
  return {
    _type: STATEMENT_TYPE,
    subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: PREDICATE_TYPE,
    predicate: deploymentPredicate(story, checkpoint),
  };
}

/** The predicate `https://slipway.dev/deployment/v1`: all of it follows from the ledger, so a verifier recomputes it. */
export function deploymentPredicate(story: Story, checkpoint: Checkpoint): JsonObject {
  const { release, service, environment, version, previous, outcome, verdict, startedAt, finishedAt } = story;
  const { origin, size, root } = checkpoint;
  return {
    release,
    service,
    environment,
    version,
    previous,
    outcome,
    verdict,
    startedAt,
    finishedAt,
    checkpoint: { origin, size, root: toBase64(root) },
  };
}
