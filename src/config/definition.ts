import { FACTS } from '../analysis/index.ts';
import type { Definition, MetricDefinition, ProcessDefinition, StrategyDefinition } from './domain.ts';
import { withMetrics } from './core/declared-metrics.ts';
import type { Complaint } from './issues.ts';
import type { ServiceEntry } from './schema/file.ts';
import { ALIVE, httpHealthAt, type ProcessEntry } from './schema/process.ts';
import { orElse } from './schema/scalars.ts';
import { NO_SMOKE } from './schema/smoke.ts';
import { OBSERVE_BY_DEFAULT, ROLLBACK_BY_DEFAULT } from './schema/watch.ts';

/** The name of the one process of the short form. */
const SHORT_FORM_NAME = 'web';

/** Fills in what the file leaves to convention, and checks what only makes sense across sections. */
export function toDefinition(
  entry: ServiceEntry,
  environment: string,
): { readonly definition: Definition; readonly complaints: readonly Complaint[] } {
  const { processes, complaints } = toProcesses(entry);
  const routed = processes.some((process) => process.routed);
  const metrics = named(entry.metrics).map((one) => ({ ...one, policy: { ...one.policy, name: one.name } }));
  const guards = named(entry.guards);
  const definition: Definition = {
    service: entry.service,
    environment,
    owners: toOwners(entry.owners),
    processes,
    listen: routed ? orNull(entry.listen) : null,
    database: orNull(entry.database),
    build: orNull(entry.build),
    test: orNull(entry.test),
    scan: orNull(entry.scan),
    smoke: orElse(entry.smoke, NO_SMOKE),
    observe: orElse(entry.observe, OBSERVE_BY_DEFAULT),
    strategy: judgedBy(orElse<StrategyDefinition>(entry.strategy, { name: 'auto', because: null }), metrics),
    rollback: orElse(entry.rollback, ROLLBACK_BY_DEFAULT),
    ...(metrics.length === 0 ? {} : { metrics }),
    ...(guards.length === 0 ? {} : { guards }),
    ...(entry.flags === undefined ? {} : { flags: entry.flags }),
    ...(entry.notify === undefined ? {} : { notify: entry.notify }),
    approvals: orElse(entry.approvals, 0),
    envFile: orNull(entry['env-file']),
  };
  return {
    definition,
    complaints: [
      ...complaints,
      ...checkRouting(definition, entry),
      ...checkSmoke(definition),
      ...checkNames(entry, definition),
      ...checkThresholds(definition),
      ...checkFlags(definition),
    ],
  };
}

/** A metric that nobody counts would be waited for for ever. */
function checkThresholds({ strategy, metrics = [] }: Definition): readonly Complaint[] {
  const policy = strategy.canary?.policy;
  if (policy?.kind !== 'threshold') return [];
  const known = ['errors', 'latency', ...metrics.map(({ name }) => name)];
  return policy.metrics.flatMap(({ of, name }, index) =>
    known.includes(of ?? name)
      ? []
      : [
          {
            path: ['strategy', 'threshold', index, 'metric'],
            about: 'value' as const,
            message: `there is no metric "${of ?? name}"; known: ${known.join(', ')}`,
          },
        ],
  );
}

function checkFlags({ flags = [] }: Definition): readonly Complaint[] {
  return flags.flatMap((key, index) =>
    flags.indexOf(key) < index ? [{ path: ['flags', index], about: 'value' as const, message: `"${key}" is there twice` }] : [],
  );
}

function named<T>(map: Readonly<Record<string, T>> = {}): readonly (T & { readonly name: string })[] {
  return Object.entries(map).map(([name, one]) => ({ ...one, name }));
}

/** What is declared joins what the router counts; alpha is split over all of them. */
function judgedBy(strategy: StrategyDefinition, metrics: readonly MetricDefinition[]): StrategyDefinition {
  const { canary } = strategy;
  if (canary === undefined) return strategy;
  return {
    ...strategy,
    canary: {
      ...canary,
      policy: withMetrics(
        canary.policy,
        metrics.map(({ policy }) => policy),
      ),
    },
  };
}

/** Names under which a look at a canary has answers already. */
const TAKEN: ReadonlySet<string> = new Set(['errors', 'latency', 'restarts', 'instances']);

/** Under these the judge `documented` tells of its own rules. */
const TAKEN_BY_DOCUMENTED: ReadonlySet<string> = new Set([...FACTS, 'p50', 'p99', 'triggers']);

function checkNames({ metrics = {}, guards = {} }: ServiceEntry, { strategy }: Definition): readonly Complaint[] {
  const refuse = (section: string, name: string, message: string): Complaint => ({ path: [section, name], about: 'key', message });
  const taken = [
    ...Object.keys(metrics).map((name) => ['metrics', name] as const),
    ...Object.keys(guards).map((name) => ['guards', name] as const),
  ]
    .filter(([, name]) => TAKEN.has(name))
    .map(([section, name]) => refuse(section, name, `"${name}" is what the router and the instances are judged by; choose another name`));
  const ruled = Object.keys(metrics)
    .filter((name) => strategy.canary?.policy.kind === 'documented' && TAKEN_BY_DOCUMENTED.has(name))
    .map((name) => refuse('metrics', name, `"${name}" is a rule of the judge documented; choose another name`));
  const twice = Object.keys(guards).filter((name) => Object.hasOwn(metrics, name));
  return [...taken, ...ruled, ...twice.map((name) => refuse('guards', name, `"${name}" is a metric already; choose another name`))];
}

function toOwners(owners: ServiceEntry['owners'] = {}): Definition['owners'] {
  return { application: orNull(owners.application), database: orNull(owners.database), secrets: orNull(owners.secrets) };
}

function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

function toProcesses(entry: ServiceEntry): { processes: readonly ProcessDefinition[]; complaints: readonly Complaint[] } {
  const refuse = (path: string, message: string): { processes: []; complaints: readonly Complaint[] } => ({
    processes: [],
    complaints: [{ path: [path], about: 'key', message }],
  });
  if (entry.run !== undefined) {
    if (entry.processes !== undefined) return refuse('run', 'cannot stand beside `processes`; move it there');
    return {
      processes: [toProcess(SHORT_FORM_NAME, { run: entry.run, health: entry.health ?? httpHealthAt('/health') }, true)],
      complaints: [],
    };
  }
  if (entry.health !== undefined) return refuse('health', 'belongs to the short form with `run`; write it under the process it is about');
  const entries = Object.entries(entry.processes ?? {});
  if (entries.length === 0)
    return refuse('processes', 'nothing to run: write `run: node server.js`, or name the processes under `processes`');
  const web = entries.filter(([, process]) => process.routed !== false && process.health?.kind === 'http');
  const chosen = entries.filter(([, process]) => process.routed === true);
  const [only] = chosen.length > 0 ? chosen : web.length === 1 ? web : [];
  const complaints: Complaint[] = chosen.slice(1).map(([name]) => ({
    path: ['processes', name, 'routed'],
    about: 'value',
    message: `only one process is routed, and "${chosen[0]?.[0]}" already is`,
  }));
  if (chosen.length === 0 && web.length > 1) {
    const names = web.map(([name]) => name).join(', ');
    complaints.push({
      path: ['processes'],
      about: 'key',
      message: `${names} all have a health path; write \`routed: true\` on the one users reach, or \`routed: false\` on the others`,
    });
  }
  return { processes: entries.map(([name, process]) => toProcess(name, process, name === only?.[0])), complaints };
}

function toProcess(name: string, entry: ProcessEntry, routed: boolean): ProcessDefinition {
  const health = entry.health ?? (routed ? httpHealthAt('/health') : ALIVE);
  return {
    name,
    argv: entry.run,
    env: entry.env ?? {},
    instances: entry.instances ?? 1,
    port: entry.port ?? health.kind === 'http',
    routed,
    health,
    stopGraceMs: entry['stop-grace'] ?? 10_000,
  };
}

function checkRouting(definition: Definition, entry: ServiceEntry): readonly Complaint[] {
  const shortForm = entry.run !== undefined;
  const complaints: Complaint[] = [];
  for (const process of definition.processes) {
    const path = shortForm ? [] : ['processes', process.name];
    if (!process.port) complaints.push(...checkWithoutPort(process, path));
    if (process.routed && entry.listen === undefined) {
      const message = `"${process.name}" answers HTTP, but nothing says where users reach it: add \`listen: 8080\` at the top`;
      complaints.push({ path, about: 'key', message: shortForm ? message : `${message}, or \`routed: false\` here` });
    }
  }
  const unreachable = definition.processes.length > 0 && !definition.processes.some((process) => process.routed);
  if (entry.listen !== undefined && unreachable) {
    const message = 'no process answers here: give one a `health` path or `routed: true`, or delete `listen`';
    complaints.push({ path: ['listen'], about: 'key', message });
  }
  return complaints;
}

/** What a process cannot do without a port. */
function checkWithoutPort(process: ProcessDefinition, path: readonly string[]): readonly Complaint[] {
  const refuse = (key: string, message: string): readonly Complaint[] => [{ path: [...path, key], about: 'value', message }];
  if (process.routed) return refuse('port', 'a routed process needs a port; delete `port: false`');
  if (process.health.kind === 'http') return refuse('health', 'a health path needs a port; delete `port: false`');
  const usesPort = [...process.argv, ...Object.values(process.env)].some((text) => text.includes('${port}'));
  return usesPort ? refuse('run', '"${port}" has no value here; give the process a `health` path or `port: true`') : [];
}

function checkSmoke({ smoke, listen, database }: Definition): readonly Complaint[] {
  const complaints: Complaint[] = [];
  for (const part of ['read', 'write', 'worker'] as const) {
    for (const [index, check] of smoke[part].entries()) {
      const path = ['smoke', part, index];
      if (check.kind === 'sql' && database === null)
        complaints.push({ path, about: 'value', message: 'an SQL check needs the `database` section' });
      if (check.kind === 'http' && listen === null)
        complaints.push({ path, about: 'value', message: 'an HTTP check needs `listen` and a routed process' });
      if (check.kind === 'http' && check.cleanup !== null && part === 'read')
        complaints.push({ path: [...path, 'cleanup'], about: 'key', message: 'a check with a cleanup writes; move it under `write`' });
    }
  }
  return complaints;
}
