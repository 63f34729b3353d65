import { isCertain, some, type ShapeFacts } from '../../database/index.ts';
import type { Check } from '../../kernel/index.ts';
import type { Looking } from './gate.ts';
import { onContracted } from './proofs.ts';

type Answer = Omit<Check, 'name'>;

const HOW = 'Run `slipway db prove` on this commit, set `database.prove: required`, or declare `database.queries` (docs/prove.md).';

/** Does the service do without it: by its declared queries, and by a proof that ran it on the contracted schema? */
export function checkQueries({ request, proof, subject }: Looking, { queries }: ShapeFacts): Answer {
  const certain = queries.filter(({ use }) => isCertain(use));
  if (certain.length > 0)
    return {
      verdict: 'fail',
      reason: `the query set uses it: ${some(certain.map(({ name }) => name))}`,
      fix: 'Release a version without these queries first, and count the window from it.',
    };
  const proven = proof === null ? null : provenAnswer(proof);
  if (proven !== null) return proven;
  if (request.proves && subject.contractions.length > 0)
    return { verdict: 'pass', reason: 'this release runs both versions on it before it touches the database (test.prove)' };
  if (queries.length > 0)
    return { verdict: 'unknown', reason: `nobody sees whether these queries need it: ${some(queries.map(({ name }) => name))}`, fix: HOW };
  const declared = request.definition.database?.queries;
  if (declared === undefined)
    return { verdict: 'unknown', reason: 'no proof of this commit on the contracted schema, and no query set is declared', fix: HOW };
  return { verdict: 'pass', reason: `no query of ${declared} uses it; no proof has run this commit without it` };
}

function provenAnswer(proof: NonNullable<Looking['proof']>): Answer | null {
  const cells = onContracted(proof, 'new');
  const bad = cells.find(({ verdict }) => verdict !== 'pass');
  if (cells.length === 0) return null;
  if (bad === undefined) return { verdict: 'pass', reason: `${proof.new.version} passed on the contracted schema (proof ${proof.id})` };
  return {
    verdict: bad.verdict,
    reason: `${proof.new.version} on the contracted schema: ${bad.cause} (proof ${proof.id})`,
    fix: 'Correct the version, and prove it again.',
  };
}
