import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { SourceDefinition } from '../../analysis/index.ts';
import { referencesOf, toIso } from '../../kernel/index.ts';
import { hasCommit, readGit } from '../artifact/git.ts';
import { declaredIn, sourcesOf } from '../core/canary-sources.ts';
import type { CommandDefinition, Definition } from '../core/definition.ts';
import type { PreflightCheck } from './preflight.ts';
import { fail, pass, unknown } from './answers.ts';

/** One writer per service and environment, and it is this release. */
export const checkCharter: PreflightCheck = async ({ store }, plan) => {
  const owner = await store.lockOf(plan.service, plan.environment);
  if (owner === null || owner.release === plan.release)
    return pass(`${plan.release} is the one writer of ${plan.service} in ${plan.environment}`);
  return fail(
    `${owner.owner} on ${owner.host} has been releasing ${owner.version} since ${toIso(owner.since)} (${owner.release})`,
    'Wait for it, or queue behind it with --wait.',
  );
};

/**
 * What is released is exactly a commit, and it is still there. Whether the workspace was that commit is a fact of the moment in which
 * the release was asked for: what happens to it afterwards is of no concern to a release that waited.
 */
export const checkGit: PreflightCheck = async (_deps, plan) => {
  if (plan.kind === 'rollback') return pass('an earlier artifact is used; the workspace does not matter');
  const { workingTree, gitSha, workspace } = plan;
  if (workingTree === undefined)
    return unknown('an older Slipway made the plan, which does not say whether the source was clean', 'Start the release again.');
  if (workingTree.verdict !== 'pass' || gitSha === null) return workingTree;
  if (!(await hasCommit(workspace, gitSha)))
    return fail(
      `the commit ${gitSha} is not in the repository of ${workspace} any more`,
      'Bring it back (git fetch), or start the release again from a commit that is there.',
    );
  const head = (await readGit(workspace))?.sha;
  if (head === gitSha) return pass(workingTree.reason);
  return pass(`${workingTree.reason} when it was asked for; that commit is released, whatever the workspace holds now`);
};

/** Every variable named in slipway.yaml has a value where the worker runs. */
export const checkReferences: PreflightCheck = async ({ environmentFor }, plan) => {
  const environment = await environmentFor(plan.workspace, plan.definition.envFile);
  const names = new Set(
    templatesOf(plan.definition).flatMap((template) => referencesOf(template).flatMap((reference) => reference.name ?? [])),
  );
  const missing = [...names].filter((name) => environment[name] === undefined);
  if (missing.length > 0)
    return fail(
      `not set where the worker runs: ${missing.join(', ')}`,
      'Set them there or in .env; a running agent keeps the environment it was started with.',
    );
  return pass(names.size === 0 ? 'no variables are needed' : `${names.size} variables are set`);
};

/** The programs of build, test, scan and the processes exist. */
export const checkCommands: PreflightCheck = async ({ environmentFor }, plan) => {
  const environment = await environmentFor(plan.workspace, plan.definition.envFile);
  const programs = new Set(commandsOf(plan.definition).flatMap((argv) => argv[0] ?? []));
  const missing: string[] = [];
  // A path is looked for when it runs: the build may only make it then.
  for (const program of programs) if (!program.includes('/') && !(await onPath(program, environment['PATH'] ?? ''))) missing.push(program);
  if (missing.length > 0)
    return fail(`not on the worker's PATH: ${missing.join(', ')}`, 'Install them, or correct the command in slipway.yaml.');
  return pass(`${programs.size} programs found`);
};

/** A pack can be written and signed at the end. */
export const checkEvidence: PreflightCheck = async ({ checkKeys, home }) => {
  await checkKeys();
  await mkdir(join(home, 'evidence'), { recursive: true });
  await access(join(home, 'evidence'), constants.W_OK);
  return pass('signing keys are there and packs can be written');
};

async function onPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

function commandsOf(definition: Definition): readonly (readonly string[])[] {
  const commands: readonly (CommandDefinition | null | undefined)[] = [
    definition.build,
    definition.test,
    definition.scan,
    definition.database?.migrateCommand,
    definition.database?.backup.command,
  ];
  return [
    ...definition.processes.map((process) => process.argv),
    ...sourcesOf(declaredIn(definition)).flatMap(({ source }) => (source.from === 'command' ? [source.argv] : [])),
    ...commands.flatMap((command) => (command === null || command === undefined ? [] : [command.argv])),
  ];
}

function templatesOf(definition: Definition): readonly string[] {
  const url = definition.database?.url;
  return [
    ...commandsOf(definition).flat(),
    ...definition.processes.flatMap((process) => Object.values(process.env)),
    ...(typeof url === 'string' ? [url] : []),
    ...sourcesOf(declaredIn(definition)).flatMap(({ source }) => templatesOfSource(source)),
  ];
}

function templatesOfSource(source: SourceDefinition): readonly string[] {
  if (source.from === 'prometheus') return [source.url, ...(source.token === null ? [] : [source.token])];
  return source.from === 'command' ? Object.values(source.env) : [];
}
