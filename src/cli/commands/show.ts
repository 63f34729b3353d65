import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SlipwayError, toIso } from '../../kernel/index.ts';
import { nearest } from '../../config/index.ts';
import { decisionsOf, foldEvents, packFolder, stepLogFolder, type Decision, type StoredRelease } from '../../release/index.ts';
import { renderDecisions } from '../output/decisions.ts';
import { renderRelease } from '../output/progress.ts';
import { viewOf, type ReleaseView } from '../output/release-view.ts';
import { withApp } from './shared/app.ts';
import { unsealedLines } from './shared/conclude.ts';
import { anyRelease } from './shared/which.ts';
import { text, type Handler } from './spec.ts';

/** Shows one release whole, or the raw log of one of its steps. */
export const run: Handler = async (call) =>
  withApp(call, async (app) => {
    const { terminal } = call;
    const stored = await app.opened.store.load(await anyRelease(call, app.opened.store));
    const view = viewOf(stored, app.effects.clock.now());
    const logs = stepLogFolder(app.places.home, view.release);
    const step = text(call, 'log');
    if (step !== undefined) {
      await pipeline(createReadStream(logFile(logs, step, view)), process.stdout, { end: false });
      return 0;
    }
    const pack = view.sealed ? packFolder(app.places.home, view.release) : null;
    const decisions = decisionsOf(foldEvents(stored.events).plan, stored.events);
    if (terminal.json) terminal.data({ ...documentOf(view, stored, { logs, pack }), decisions: decisions.map(decisionDocument) });
    else {
      const judged = renderDecisions(decisions, terminal, call.environment);
      const parts = [
        renderRelease(view, logs, terminal.style),
        ...(judged.length === 0 ? [] : [judged.join('\n')]),
        evidenceText(view, pack),
      ];
      terminal.say(parts.join('\n\n'));
    }
    return 0;
  });

function evidenceText({ unsealedBecause }: ReleaseView, pack: string | null): string {
  return unsealedBecause === null ? `evidence  ${pack ?? 'not sealed yet'}` : unsealedLines(unsealedBecause).join('\n');
}

/** The newest try of the step; also of one that runs now, whose log the ledger does not know yet. */
function logFile(folder: string, step: string, view: ReleaseView): string {
  const steps = view.stages.flatMap((stage) => stage.steps.map(({ id }) => id));
  if (!steps.includes(step)) {
    const meant = nearest(step, steps);
    throw new SlipwayError('usage', `Release ${view.release} has no step "${step}"${meant === null ? '' : `. Did you mean "${meant}"?`}`, {
      hint: `Its steps: ${steps.join(', ')}`,
    });
  }
  const pattern = new RegExp(`^\\d+-${step.replaceAll('.', '\\.')}-\\d+\\.log$`);
  const found = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => pattern.test(name))
        .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    : [];
  const newest = found.at(-1);
  if (newest === undefined)
    throw new SlipwayError('not_found', `Step ${step} of release ${view.release} has no log on this machine`, {
      hint: 'It was skipped, has not run yet, or ran on another machine.',
    });
  return join(folder, newest);
}

interface Places {
  readonly logs: string;
  readonly pack: string | null;
}

function documentOf(view: ReleaseView, { events }: StoredRelease, { logs, pack }: Places): Readonly<Record<string, unknown>> {
  const time = (at: number | null): string | null => (at === null ? null : toIso(at));
  const stages = view.stages.map((stage) => ({
    ...stage,
    steps: stage.steps.map((step) => ({ ...step, startedAt: time(step.startedAt), finishedAt: time(step.finishedAt) })),
  }));
  return {
    ...view,
    stages,
    requestedAt: time(view.requestedAt),
    finishedAt: time(view.finishedAt),
    logs,
    evidence: pack,
    events: events.length,
  };
}

/** A decision with its times as text. */
function decisionDocument(decision: Decision): object {
  return { ...decision, startedAt: toIso(decision.startedAt), decidedAt: toIso(decision.decidedAt) };
}
