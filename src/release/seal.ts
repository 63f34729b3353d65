import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { plotSvg } from '../analysis/index.ts';
import { canonicalJson, exportPack, verdictOf, type PackInput, type SigningKeys } from '../evidence/index.ts';
import { decisionsOf, plotOf } from './core/decisions.ts';
import { failureRequest, rollbackNotice } from './core/notice.ts';
import { remarksOf } from './core/remarks.ts';
import { foldEvents } from './core/state.ts';
import type { StoredRelease } from './ports.ts';
import { stepLogFolder } from './step-log.ts';
import { snapshotIn } from './steps/flags-off.ts';

/** Where the pack of a release is written when it ends. */
export function packFolder(home: string, release: string): string {
  return join(home, 'evidence', release);
}

/** Gathers what a finished (or running) release's pack is made of. */
export async function packInput(home: string, stored: StoredRelease): Promise<PackInput> {
  const state = foldEvents(stored.events);
  const { plan } = state;
  const folder = stepLogFolder(home, plan.release);
  const built = state.steps['build.artifact']?.facts ?? {};
  const planText = `${canonicalJson(plan)}\n`;
  return {
    release: plan.release,
    origin: `slipway/${plan.service}/${plan.environment}/${plan.release}`,
    service: plan.service,
    environment: plan.environment,
    verdict: verdictOf(state.outcome, state.rollbackTime?.verdict ?? null),
    entries: stored.entries,
    summary: {
      gitHead: plan.gitSha,
      gitRef: plan.gitRef,
      strategy: plan.strategy.name,
      configSha256: plan.configSha256,
      artifactDigest: built['digest'] ?? null,
      requestedBy: plan.requestedBy,
      cause: causeOf(stored),
      remarks: [...remarksOf(state)],
    },
    logs: stored.events.flatMap((event) =>
      event.type === 'step.finished' && event.data.log !== null
        ? [{ name: event.data.log.name, file: join(folder, event.data.log.name), sha256: event.data.log.sha256 }]
        : [],
    ),
    artifacts: [
      ...reportsOf(stored),
      ...decisionFiles(stored),
      { name: 'plan.json', text: planText },
      ...flagFiles(stored),
      { name: 'envelope.json', text: `${canonicalJson(envelopeOf(stored))}\n` },
    ],
    subjects: [{ name: `${plan.service}@${plan.environment}/plan.json`, sha256: createHash('sha256').update(planText).digest('hex') }],
  };
}

/** Why it went back; "every undo step passed" does not say it. */
function causeOf({ events }: StoredRelease): string | null {
  const back = events.findLast((event) => event.type === 'rollback.started');
  return back?.type === 'rollback.started' ? back.data.cause : null;
}

/** What people are told when a release did not work out. */
function reportsOf({ events }: StoredRelease): readonly { readonly name: string; readonly text: string }[] {
  const state = foldEvents(events);
  const request = failureRequest(state, events);
  const notice = rollbackNotice(state, events);
  return [
    ...(request === null ? [] : [{ name: 'failure-request.json', text: `${JSON.stringify(request, null, 2)}\n` }]),
    ...(notice === null ? [] : [{ name: 'rollback-notice.md', text: notice }]),
  ];
}

/** What each decision about a canary was made from: the series and numbers of a checkpoint, and a picture of each metric. */
function decisionFiles({ events }: StoredRelease): readonly { readonly name: string; readonly text: string }[] {
  return decisionsOf(foldEvents(events).plan, events).flatMap((decision) => [
    { name: `decision-${decision.step}.json`, text: `${canonicalJson(decision)}\n` },
    ...decision.series.map((series, index) => ({
      name: `decision-${decision.step}.${fileWord(series.metric, index)}.svg`,
      text: plotSvg(plotOf(decision, series)),
    })),
  ]);
}

/** A metric may have any name; a file of a pack may not. */
function fileWord(metric: string, index: number): string {
  return /^[A-Za-z0-9_-]{1,60}$/.test(metric) ? metric : `metric.${index + 1}`;
}

/** The flags it carries, as they were when it began. */
function flagFiles({ events }: StoredRelease): readonly { readonly name: string; readonly text: string }[] {
  const flags = snapshotIn(events);
  return flags === null ? [] : [{ name: 'flags.json', text: `${canonicalJson(flags)}\n` }];
}

/** Everything bound to the release under its one id. */
function envelopeOf(stored: StoredRelease): object {
  const { plan, approvals, steps } = foldEvents(stored.events);
  const migrate = plan.steps.find((step) => step.id === 'migrate.apply');
  const flags = snapshotIn(stored.events);
  return {
    release: plan.release,
    service: plan.service,
    environment: plan.environment,
    version: plan.version,
    gitSha: plan.gitSha,
    artifactDigest: steps['build.artifact']?.facts['digest'] ?? null,
    configSha256: plan.configSha256,
    migrations: migrate?.input['expect'] ?? [],
    ...(flags === null ? {} : { flags: { carried: plan.definition.flags ?? [], seq: flags.seq, sha256: flags.sha256 } }),
    deployer: plan.requestedBy,
    approvals,
    weights: plan.steps.flatMap((step) =>
      step.kind === 'route' ? [{ step: step.id, mode: step.input['mode'] ?? null, backends: step.input['backends'] ?? [] }] : [],
    ),
  };
}

/** Writes and signs the pack of a finished release; a pack that is there already (a crash came just after) is kept. */
export async function sealRelease(home: string, keys: SigningKeys, stored: StoredRelease): Promise<string> {
  const folder = packFolder(home, stored.summary.release);
  const existing = await readFile(join(folder, 'log', 'checkpoint'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (existing !== null) return existing;
  await removeDrafts(home, stored.summary.release);
  return (await exportPack(await packInput(home, stored), keys, folder)).checkpoint;
}

/** What a worker that was killed while it wrote left behind. Nobody else writes this release's pack: the claim is ours. */
async function removeDrafts(home: string, release: string): Promise<void> {
  const parent = join(home, 'evidence');
  const names = await readdir(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const drafts = names.filter((name) => name.startsWith(`.${release}.partial-`));
  for (const draft of drafts) await rm(join(parent, draft), { recursive: true, force: true });
}
