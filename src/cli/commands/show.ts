import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SlipwayError, toIso } from '../../kernel/index.ts';
import { nearest } from '../../config/index.ts';
import { decisionsOf, foldEvents, packFolder, stepLogFolder, type Decision, type StoredRelease } from '../../release/index.ts';
import type { App } from '../compose.ts';
import { renderDecisions } from '../output/decisions.ts';
import { renderRelease } from '../output/progress.ts';
import { viewOf, type ReleaseView } from '../output/release-view.ts';
import type { Terminal } from '../output/terminal.ts';
import { withStore } from './shared/app.ts';
import { unsealedLines } from './shared/conclude.ts';
import { anyRelease, anyReleases, refuseNone } from './shared/which.ts';
import { text, type Call, type Handler } from './spec.ts';

/** Shows one release whole, each of a set, or the raw log of one of its steps. */
export const run: Handler = async (call) =>
  withStore(call, async (app) => {
    const step = text(call, 'log');
    if (step !== undefined) return printLog(app, await anyRelease(call, app.opened.store), step);
    const { set, releases } = await anyReleases(call, app.opened.store);
    if (releases.length === 0) refuseNone();
    const all = await Promise.all(releases.map((release) => look(app, release)));
    const { terminal, environment } = call;
    if (terminal.json) for (const one of set === null ? all.map(documentOf) : [{ set, releases: all.map(documentOf) }]) terminal.data(one);
    else terminal.say(all.map((one) => textOf(one, terminal, environment)).join('\n\n'));
    return 0;
  });

/** One release, with what was decided in it and where its files are. */
interface Look {
  readonly view: ReleaseView;
  readonly stored: StoredRelease;
  readonly decisions: readonly Decision[];
  readonly logs: string;
  readonly pack: string | null;
}

async function look({ opened, effects, places }: App, release: string): Promise<Look> {
  const stored = await opened.store.load(release);
  const view = viewOf(stored, effects.clock.now());
  const logs = stepLogFolder(places.home, release);
  const pack = view.sealed ? packFolder(places.home, release) : null;
  return { view, stored, decisions: decisionsOf(foldEvents(stored.events).plan, stored.events), logs, pack };
}

function textOf({ view, decisions, logs, pack }: Look, terminal: Terminal, environment: Call['environment']): string {
  const judged = renderDecisions(decisions, terminal, environment);
  const parts = [renderRelease(view, logs, terminal.style), ...(judged.length === 0 ? [] : [judged.join('\n')]), evidenceText(view, pack)];
  return parts.join('\n\n');
}

async function printLog(app: App, release: string, step: string): Promise<number> {
  const { view, logs } = await look(app, release);
  await pipeline(createReadStream(logFile(logs, step, view)), process.stdout, { end: false });
  return 0;
}

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

function documentOf({ view, stored: { events }, decisions, logs, pack }: Look): Readonly<Record<string, unknown>> {
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
    decisions: decisions.map(decisionDocument),
  };
}

/** A decision with its times as text. */
function decisionDocument(decision: Decision): object {
  return { ...decision, startedAt: toIso(decision.startedAt), decidedAt: toIso(decision.decidedAt) };
}
