import type { Plan, Step } from '../plan.ts';
import { backupSteps, migrateSteps } from './data-steps.ts';
import { asJson, draftOf, holdsForMigration, stopOld, type Draft, type Part } from './draft.ts';
import { groupSpec, routeSpec, type Side } from './group.ts';
import { step, UNDO_OPTIONS, type PlanInput } from './input.ts';
import { chooseStrategy } from './strategy.ts';

/**
 * Compiles a release to data: ordered steps, how each is undone, and what happens at the end of a rollback.
 * Pure; the same input gives the same plan. Skips are applied here, so a plan shows them before anything starts.
 */
export function compilePlan(input: PlanInput): Plan {
  const strategy = chooseStrategy(input);
  const draft = draftOf(input, strategy.name);
  const parts = [opening(draft), backupSteps(draft), making(draft), migrateSteps(draft), deploying(draft), watching(draft)];
  const steps = withApprovals(
    parts.flatMap((part) => part.steps).map((one) => withSkip(one, input.skips)),
    input.definition.approvals,
  );
  const undo = Object.assign({}, ...parts.map((part) => part.undo)) as Readonly<Record<string, readonly Step[]>>;
  const { definition } = input;
  return {
    schema: 'slipway.plan/1',
    release: input.release,
    kind: input.kind,
    service: definition.service,
    environment: definition.environment,
    version: input.version,
    gitSha: input.gitSha,
    gitRef: input.gitRef,
    requestedBy: input.requestedBy,
    node: input.node,
    workspace: input.workspace,
    definition,
    configSha256: input.configSha256,
    previous: input.previous,
    strategy,
    steps,
    undo,
    reSmoke: reSmoke(draft),
    rollback: {
      automatic: definition.rollback.automatic,
      targetMs: definition.rollback.targetMs,
      pointOfNoReturn: draft.restoring ? trafficStep(draft) : null,
      story: storyOf(draft),
    },
    findings: input.findings,
  };
}

function opening({ input }: Draft): Part {
  const { definition } = input;
  const embedded = definition.database !== null && typeof definition.database.url !== 'string' ? definition.database.url.embedded : null;
  const ensure =
    embedded === null
      ? []
      : [
          step('preflight', 'database', {
            kind: 'ensure-database',
            title: `database ${embedded} in Slipway's own PostgreSQL`,
            input: { name: embedded },
          }),
        ];
  const checks = step(
    'preflight',
    'checks',
    { kind: 'preflight', title: 'preflight checks', input: { skips: { ...input.skips } } },
    { attempts: 1 },
  );
  return { steps: [...ensure, checks], undo: {} };
}

function making({ input, newSide }: Draft): Part {
  const { definition } = input;
  if (input.target !== null) {
    const reason = `${input.target.version} was built by release ${input.target.release}; the same artifact is used`;
    return { steps: [step('build', 'artifact', { kind: 'build', title: 'build the artifact', input: {} }, { skip: reason })], undo: {} };
  }
  const build = step(
    'build',
    'artifact',
    {
      kind: 'build',
      title: `build ${definition.service} ${input.version}`,
      input: { folder: newSide.artifact, command: asJson(definition.build) },
    },
    { timeoutMs: definition.build?.timeoutMs ?? 600_000, attempts: 1 },
  );
  return { steps: [build, userCommand('test', input), userCommand('scan', input)], undo: {} };
}

function userCommand(stage: 'test' | 'scan', { definition }: PlanInput): Step {
  const command = definition[stage];
  if (command === null)
    return step(stage, 'run', { kind: 'command', title: stage, input: {} }, { skip: `no ${stage} command in slipway.yaml` });
  return step(
    stage,
    'run',
    { kind: 'command', title: `${stage}: ${command.argv.join(' ')}`, input: { command: asJson(command) } },
    { timeoutMs: command.timeoutMs, attempts: 1 },
  );
}

function deploying(draft: Draft): Part {
  const { input, newSide, old, exclusive, undo } = draft;
  const start = step('deploy', 'start', {
    kind: 'apply-group',
    title: `start ${newSide.version} beside the traffic`,
    input: groupSpec(newSide, input.databaseUrl),
  });
  const smoke = smokeStep('verify', 'smoke', `smoke ${newSide.version} before users reach it`, newSide);
  const held = exclusive && old !== null;
  const stopped = held && !holdsForMigration(draft) ? stopOld(draft, 'deploy') : { steps: [], undo: {} };
  const traffic = switchTraffic(draft);
  const rehearse = rehearsal(draft);
  return {
    steps: [...stopped.steps, start, smoke, ...rehearse, ...traffic.steps],
    undo: { ...stopped.undo, [start.id]: undo.stopNew, ...stopRehearsal(rehearse), ...traffic.undo },
  };
}

function switchTraffic({ input, newSide, old, exclusive, undo }: Draft): Part {
  const route = routeSpec(input.definition, 'open', newSide);
  const toNew =
    route === null ? [] : [step('deploy', 'switch', { kind: 'route', title: `send users to ${newSide.version}`, input: route })];
  const quiet =
    old === null || exclusive || !old.definition.processes.some((one) => !one.routed)
      ? []
      : [
          step('deploy', 'quiet-old', {
            kind: 'apply-group',
            title: `stop the background work of ${old.version}; it stays warm for requests`,
            input: groupSpec(old, input.databaseUrl, 'routed'),
          }),
        ];
  const back = exclusive ? undo.holdTraffic : undo.openOld;
  return {
    // Users come back before the old background work does: the undo runs in reverse.
    steps: [...quiet, ...toNew],
    undo: {
      ...(toNew[0] === undefined ? {} : { [toNew[0].id]: back }),
      ...(quiet[0] === undefined ? {} : { [quiet[0].id]: undo.startOld }),
    },
  };
}

function trafficStep({ input }: Draft): string {
  return input.definition.listen === null ? 'deploy.start' : 'deploy.switch';
}

/** The old version is asked the smoke questions on the migrated data, while it does not serve: is the way back open? */
function rehearsal({ input, old, restoring, exclusive }: Draft): readonly Step[] {
  const title = 'rehearse the rollback';
  if (old === null)
    return [
      step(
        'verify',
        'rehearse',
        { kind: 'rehearse', title, input: {} },
        { skip: 'first release of this service here: there is no version to go back to' },
      ),
    ];
  if (restoring)
    return [
      step(
        'verify',
        'rehearse',
        { kind: 'rehearse', title, input: {} },
        { skip: 'the way back is the backup, which was restored into a scratch database and compared' },
      ),
    ];
  const group = exclusive
    ? { ...groupSpec(old, input.databaseUrl, 'routed'), id: `${old.definition.service}/${old.definition.environment}/rehearsal` }
    : groupSpec(old, input.databaseUrl);
  return [
    step(
      'verify',
      'rehearse',
      {
        kind: 'rehearse',
        title: `rehearse the rollback: ${old.version} passes its smoke on the migrated data`,
        input: {
          group,
          temporary: exclusive,
          smoke: asJson(old.definition.smoke),
          version: old.version,
          service: old.definition.service,
          environment: old.definition.environment,
        },
      },
      { attempts: 2 },
    ),
  ];
}

/** A rehearsing old version that was cut off is not left running. */
function stopRehearsal([rehearse]: readonly Step[]): Part['undo'] {
  if (rehearse?.input['temporary'] !== true) return {};
  const group = rehearse.input['group'] as { readonly id: string };
  return {
    [rehearse.id]: [
      step('rollback', 'stop-rehearsal', { kind: 'remove-group', title: 'stop the rehearsal', input: { group: group.id } }, UNDO_OPTIONS),
    ],
  };
}

function watching(draft: Draft): Part {
  const { input, newSide } = draft;
  const { observe, listen } = input.definition;
  const live =
    listen === null
      ? []
      : [
          step(
            'verify',
            'live',
            {
              kind: 'smoke',
              title: "smoke through the users' address",
              input: {
                smoke: asJson(input.definition.smoke),
                through: 'route',
                group: newSide.group,
                version: newSide.version,
                listen: { ...listen },
              },
            },
            { attempts: 1, timeoutMs: 120_000 },
          ),
        ];
  const watch = step(
    'observe',
    'window',
    {
      kind: 'observe',
      title: 'watch the new version under real traffic',
      input: {
        group: newSide.group,
        route: `${input.definition.service}/${input.definition.environment}`,
        version: newSide.version,
        stop: { maxErrorRate: observe.maxErrorRate, maxP99Ms: observe.maxP99Ms, maxRestarts: observe.maxRestarts },
      },
    },
    { repeat: { everyMs: observe.everyMs, forMs: observe.windowMs } },
  );
  const evidence = step('evidence', 'check', { kind: 'evidence', title: 'check that the evidence is complete', input: {} });
  return { steps: [...live, watch, evidence], undo: {} };
}

function smokeStep(stage: 'verify' | 'rollback', name: string, title: string, side: Side): Step {
  return step(
    stage,
    name,
    { kind: 'smoke', title, input: { smoke: asJson(side.definition.smoke), through: 'group', group: side.group, version: side.version } },
    { attempts: stage === 'rollback' ? 5 : 1, timeoutMs: 180_000 },
  );
}

function reSmoke({ old }: Draft): readonly Step[] {
  return old === null ? [] : [smokeStep('rollback', 're-smoke', `smoke ${old.version} again`, old)];
}

function storyOf({ newSide, old, restoring, exclusive }: Draft): string {
  if (old === null) return `stop ${newSide.version} and close the route; there is no earlier version`;
  if (restoring)
    return `hold traffic, stop ${newSide.version}, restore the database from the backup, start ${old.version}, smoke it, open traffic; only while users have not written to ${newSide.version}`;
  return exclusive
    ? `hold traffic, stop ${newSide.version}, start ${old.version}, smoke it, open traffic`
    : `switch users back to ${old.version}, which stays warm, and stop ${newSide.version}`;
}

/** Approvals are asked for once build, test and scan have passed, before the first step that users or data would notice. */
function withApprovals(steps: readonly Step[], approvals: number): readonly Step[] {
  const first = steps.findIndex(
    (one) => one.skip === null && (one.id === 'backup.hold' || one.stage === 'migrate' || one.stage === 'deploy'),
  );
  return steps.map((one, index) => (index === first ? { ...one, approvals } : one));
}

/** Leaves a step out when its id or its stage is skipped. Preflight checks are skipped inside the step, one by one. */
function withSkip(one: Step, skips: Readonly<Record<string, string>>): Step {
  const reason = skips[one.id] ?? skips[one.stage];
  return reason === undefined ? one : { ...one, skip: one.skip ?? reason };
}
