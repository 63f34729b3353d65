import { join } from 'node:path';
import { joinVerdicts, type Check } from '../../kernel/index.ts';
import { printedFact } from '../core/printed.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import type { CellProof, Proof } from '../prove/ports.ts';
import { proveMigrations } from '../prove/prove.ts';
import { saveProof } from '../prove/save.ts';
import type { StepDeps } from './deps.ts';
import { text } from './input.ts';

/** Runs both versions on each schema the pending migrations lead through, before the real database is touched. */
export function proveStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const proof = await prove(deps, context);
    const { sha256 } = await saveProof(deps.home, proof, context.effects.clock.now());
    for (const remark of proof.remarks) context.note(remark);
    return outcomeOfProof(proof, sha256);
  };
}

async function prove(deps: StepDeps, { plan, step, effects, signal, note }: StepContext): Promise<Proof> {
  const { previous, workspace, definition, version, gitSha } = plan;
  if (previous === null) throw new Error('A first version has nothing to be proven against');
  return proveMigrations(deps, {
    id: effects.ids.release(effects.clock.now()),
    // A folder of the release's own: another one may prove something at the same time.
    room: join(deps.home, 'releases', plan.release, 'prove'),
    workspace,
    definition,
    old: { kind: 'released', released: previous, told: 'what serves' },
    built: { version, commit: gitSha, told: 'what was built', folder: join(deps.home, text(step.input, 'folder')), definition },
    server: await deps.ownServer(),
    captured: null,
    environment: await deps.environmentFor(workspace, null),
    keep: false,
    beyond: false,
    signal,
    onProgress: note,
  });
}

/**
 * Every cell counts: a release applies all that is pending while the old version runs, so the old version must live with that, too.
 */
export function outcomeOfProof({ cells, id }: Pick<Proof, 'cells' | 'id'>, sha256: string): StepOutcome {
  const ran = cells.filter(({ runsOn, schema }) => runsOn === null || runsOn === schema);
  const bad = ran.filter(({ verdict }) => verdict !== 'pass');
  const worst = bad.find(({ verdict }) => verdict === 'fail') ?? bad[0];
  const verdict = joinVerdicts(ran.map((cell) => cell.verdict));
  const output = worst?.output ?? null;
  const facts = { proof: id, sha256, ...(output === null ? {} : printedFact(output)) };
  const reason =
    worst === undefined
      ? `both versions work on each of ${ran.length} cells`
      : `${bad.length} of ${ran.length} cells did not pass; ${nameOf(worst)}: ${worst.cause}`;
  return { verdict, reason, checks: ran.map(checkOf), facts };
}

const nameOf = ({ version, part, schema }: CellProof): string => `${version} ${part} on ${schema}`;

function checkOf(cell: CellProof): Check {
  const { verdict, cause } = cell;
  const fix = 'See docs/prove.md; slipway db prove shows the whole matrix.';
  return { name: nameOf(cell), verdict, reason: cause, ...(verdict === 'pass' ? {} : { fix }) };
}
