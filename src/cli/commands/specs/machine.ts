import type { CommandSpec, OptionSpec } from '../spec.ts';

const NO_WORKER: OptionSpec = { flags: '--no-worker', what: 'only supervise processes and route traffic; releases are driven elsewhere' };

const OTLP: OptionSpec = {
  flags: '--otlp <address>',
  what: 'take metrics over OTLP/HTTP in JSON on this loopback address, such as 127.0.0.1:4318 (default SLIPWAY_OTLP, else as the last agent did); none: nowhere',
};

const ROUTER: OptionSpec = {
  flags: '--router <name>',
  what: 'what splits traffic: in the agent itself (embedded) or a HAProxy it runs (haproxy); remembered for the next start (default: the last one, else embedded)',
  choices: ['embedded', 'haproxy'],
};

/** Commands about this machine. */
export const MACHINE_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'agent run',
    purpose: 'Run the agent in this process: supervises instances, routes traffic, keeps a worker.',
    options: [NO_WORKER, OTLP, ROUTER],
    notes:
      'What it supervises outlives it; the next agent adopts it. Log: JSON lines on stdout, level by SLIPWAY_LOG (debug, info, warn, error).',
    examples: [
      { line: 'slipway agent run', what: 'in the foreground, e.g. under systemd' },
      { line: 'SLIPWAY_LOG=debug slipway agent run', what: 'telling more' },
    ],
    exits: [
      [23, 'the router is not installed here'],
      [24, 'another agent runs for this directory'],
    ],
    json: 'nothing beyond its log, which is always JSON lines',
    load: async () => (await import('../agent.ts')).run,
  },
  {
    path: 'agent start',
    purpose: 'Start an agent in the background, unless one runs.',
    options: [NO_WORKER, OTLP, ROUTER],
    examples: [
      { line: 'slipway agent start', what: 'for this folder' },
      { line: 'slipway -C services/shop agent start', what: 'for another one' },
      { line: 'slipway agent start --otlp 127.0.0.1:4318', what: 'taking metrics for canaries' },
      { line: 'slipway agent start --router haproxy', what: 'with HAProxy in front of the service' },
    ],
    exits: [
      [23, 'the router is not installed here'],
      [24, 'it did not start; its log is named'],
    ],
    json: '{ home, started, pid, version, startedAt, router, worker, deaf: [{ route, reason, fix }] }; "deaf" are routes whose address somebody else has',
    load: async () => (await import('../agent.ts')).start,
  },
  {
    path: 'agent stop',
    purpose: 'Stop the agent; the processes it supervises go on.',
    options: [
      { flags: '--all', what: 'also stop what it supervises: everything of this folder is then down, until an agent starts it again' },
    ],
    examples: [
      { line: 'slipway agent stop', what: 'for this folder' },
      { line: 'slipway agent stop && slipway agent start', what: 'after an upgrade of Slipway' },
      { line: 'slipway agent stop --all', what: 'and everything it runs' },
    ],
    exits: [[4, 'it did not stop in time']],
    json: '{ home, stopped }',
    load: async () => (await import('../agent.ts')).stop,
  },
  {
    path: 'agent status',
    purpose: 'Say whether an agent runs here.',
    examples: [
      { line: 'slipway agent status', what: 'for this folder' },
      { line: 'slipway agent status --json | jq .agent.pid', what: 'its process' },
    ],
    exits: [[24, 'none answers']],
    json: '{ home, agent }; "agent" is null when none answers',
    load: async () => (await import('../agent.ts')).status,
  },
  {
    path: 'worker',
    purpose: 'Drive releases until told to stop (SIGTERM). The agent keeps one of these.',
    notes:
      'Any number may run, on any number of machines, against one SLIPWAY_DATABASE_URL. Log: JSON lines on stdout, level by SLIPWAY_LOG.',
    examples: [
      { line: 'slipway worker', what: 'in the foreground' },
      { line: 'SLIPWAY_DATABASE_URL=postgresql://... slipway worker', what: 'on a shared store' },
    ],
    exits: [[21, 'the store cannot be reached']],
    json: 'nothing beyond its log, which is always JSON lines',
    load: async () => (await import('../worker.ts')).run,
  },
  {
    path: 'doctor',
    purpose: 'Check everything Slipway needs here, and say what to do about what is wrong.',
    examples: [
      { line: 'slipway doctor', what: 'look at everything' },
      { line: 'slipway doctor --json | jq \'.checks[] | select(.verdict != "pass")\'', what: 'only what is wrong' },
    ],
    exits: [[6, 'a check fails or is unknown']],
    json: '{ home, verdict, checks: [{ name, verdict, reason, fix? }] }',
    load: async () => (await import('../doctor.ts')).run,
  },
  {
    path: 'schema',
    purpose: 'Print the JSON Schema of slipway.yaml.',
    examples: [
      { line: 'slipway schema > slipway.schema.json', what: 'for an editor' },
      { line: 'slipway schema | jq .properties', what: 'which keys there are' },
    ],
    json: 'the schema itself, with or without --json',
    load: async () => (await import('../schema.ts')).run,
  },
];
