import { isJsonObject, joinVerdicts, type Check, type JsonObject } from '../../kernel/index.ts';
import type { Plan } from '../core/plan.ts';
import { snapshotFlags } from '../carried-flags/snapshot.ts';
import { runPreflight, type Asked } from '../preflight/preflight.ts';
import type { StepExecutor } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as, object, text } from './input.ts';

/** Asks every preflight question; `unknown` blocks like `fail`. */
export function preflightStep(deps: StepDeps): StepExecutor {
  return async ({ plan, step, effects }) => {
    const asked = await runPreflight(deps, plan, as<Readonly<Record<string, string>>>(object(step.input, 'skips')));
    const checks = asked.flatMap(({ check, parts }) => [check, ...parts]);
    const deciding = asked.filter(({ blocks }) => blocks);
    const bad = deciding.filter(({ check }) => check.verdict !== 'pass');
    const reason = bad.length === 0 ? passedText(asked) : summaryOf(bad.map(({ check }) => check));
    if (bad.length === 0) effects.commandsAhead?.(commandsOf(plan));
    // An agent or a database that is just starting again is no reason to send a person back to the start.
    const retry = bad.length > 0 && bad.every(({ passing }) => passing);
    // A store that is away fails the question about flags itself, where they are asked about.
    const flags = await snapshotFlags(deps, plan).catch(() => null);
    const facts = flags === null ? {} : { facts: { flags: as<JsonObject>(flags as never) } };
    return { verdict: joinVerdicts(deciding.map(({ check }) => check.verdict)), reason, checks, retry, ...facts };
  };
}

/** What passed, and what did not but stands in nobody's way. */
function passedText(asked: readonly Asked[]): string {
  const passed = asked.filter(({ check }) => check.verdict === 'pass').length;
  const advice = asked
    .filter(({ check }) => check.verdict !== 'pass')
    .map(({ check }) => `; ${check.name}: ${check.reason}. ${check.fix ?? ''}`);
  return `${passed} checks passed${advice.join('')}`;
}

function commandsOf({ steps }: Plan): number {
  return steps.filter(({ kind, skip, input }) => ['build', 'command'].includes(kind) && skip === null && isJsonObject(input['command']))
    .length;
}

/** What is wrong and what to do, each cause once: one database that is down fails several checks. */
function summaryOf(bad: readonly Check[]): string {
  const names = new Map<string, string[]>();
  for (const { name, reason, fix } of bad) {
    const text = fix === undefined ? reason : `${reason}. ${fix.replace(/\.$/, '')}`;
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return [...names].map(([text, who]) => `${who.join(', ')}: ${text}`).join('; ');
}

/** Creates the service's database in Slipway's own PostgreSQL. */
export function ensureDatabaseStep(deps: StepDeps): StepExecutor {
  return async ({ step }) => {
    const name = text(step.input, 'name');
    await deps.ensureEmbedded(name);
    return { verdict: 'pass', reason: `database ${name} is there` };
  };
}
