import type { Plan, Step } from '../plan.ts';
import { backupSteps, lintSteps, migrateSteps, proveSteps, surfacesSteps } from './data-steps.ts';
import { deploySteps, trafficStep } from './deploy-steps.ts';
import { asJson, draftOf, type Draft, type Part } from './draft.ts';
import { step, type PlanInput } from './input.ts';
import { flagsOff, leaveFlags } from './flag-steps.ts';
import { meet, recall } from './set-steps.ts';
import { chooseStrategy } from './strategy.ts';
import { reSmoke, watchSteps } from './watch-steps.ts';

/**
 * Compiles a release to data: ordered steps, how each is undone, and what happens at the end of a rollback.
 * Pure; the same input gives the same plan. Skips are applied here, so a plan shows them before anything starts.
 */
export function compilePlan(input: PlanInput): Plan {
  const strategy = chooseStrategy(input);
  const draft = draftOf(input, strategy.name);
  const together = { steps: meet(input.set, input.release, 'migrate'), undo: {} };
  const parts = [
    leaveFlags(draft),
    opening(draft),
    backupSteps(draft),
    making(draft),
    together,
    migrateSteps(draft),
    deploySteps(draft),
    watchSteps(draft),
  ];
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
    ...(input.workingTree === undefined ? {} : { workingTree: input.workingTree }),
    requestedBy: input.requestedBy,
    ...(input.reason === undefined ? {} : { reason: input.reason }),
    node: input.node,
    workspace: input.workspace,
    definition,
    configSha256: input.configSha256,
    previous: input.previous,
    strategy,
    ...(input.set === undefined ? {} : { set: input.set, recall: recall(input.set, input.release) }),
    steps,
    undo,
    ...flagsOff(draft),
    reSmoke: reSmoke(draft),
    rollback: {
      automatic: definition.rollback.automatic,
      targetMs: definition.rollback.targetMs,
      pointOfNoReturn: draft.restoring ? trafficStep(draft) : null,
      ...unknownOf(input),
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
    { attempts: 4 },
  );
  return { steps: [...ensure, checks], undo: {} };
}

function making(draft: Draft): Part {
  const { input, newSide } = draft;
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
  return {
    steps: [
      build,
      userCommand('test', input),
      ...lintSteps(draft),
      ...surfacesSteps(draft),
      ...proveSteps(draft),
      userCommand('scan', input),
    ],
    undo: {},
  };
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

/** Migrations that could not be read may be of any class. */
function unknownOf({ migrations, findings }: PlanInput): Pick<Plan['rollback'], 'unknown'> {
  if (migrations !== null) return {};
  const because = findings.find(({ name, verdict }) => name === 'database' && verdict === 'unknown')?.reason;
  return { unknown: `which migrations are pending is not known${because === undefined ? '' : `: ${because}`}` };
}

function storyOf(draft: Draft): string {
  const story = knownStory(draft);
  return draft.input.migrations === null ? `${story}; whether data must be brought back as well is not known` : story;
}

function knownStory({ newSide, old, restoring, exclusive, rolling }: Draft): string {
  if (old === null) return `stop ${newSide.version} and close the route; there is no earlier version`;
  if (restoring)
    return `hold traffic, stop ${newSide.version}, restore the database from the backup, start ${old.version}, smoke it, open traffic; only while users have not written to ${newSide.version}`;
  if (rolling !== null)
    return `start all instances of ${old.version} again, smoke them, send users back to it, and stop ${newSide.version}`;
  return exclusive
    ? `hold traffic, stop ${newSide.version}, start ${old.version}, smoke it, open traffic`
    : `switch users back to ${old.version}, which stays warm, and stop ${newSide.version}`;
}

/** Approvals are asked for once build, test and scan have passed, before the first step that users or data would notice. */
function withApprovals(steps: readonly Step[], approvals: number): readonly Step[] {
  const first = steps.findIndex(
    (one) =>
      one.skip === null && one.kind !== 'companions' && (one.id === 'backup.hold' || one.stage === 'migrate' || one.stage === 'deploy'),
  );
  return steps.map((one, index) => (index === first ? { ...one, approvals } : one));
}

/** Leaves a step out when its id or its stage is skipped. Preflight checks are skipped inside the step, one by one. */
function withSkip(one: Step, skips: Readonly<Record<string, string>>): Step {
  const reason = skips[one.id] ?? skips[one.stage];
  return reason === undefined ? one : { ...one, skip: one.skip ?? reason };
}
