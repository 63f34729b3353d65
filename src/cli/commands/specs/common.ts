import type { ArgSpec, OptionSpec } from '../spec.ts';

export const RELEASE: ArgSpec = {
  syntax: '[release]',
  what: 'id of the release, or the beginning of one; by default the one slipway.yaml here is about, or those of its set',
};
export const ENV: OptionSpec = { flags: '-e, --env <name>', what: 'environment of slipway.yaml (default: dev)' };
export const ANY_ENV: OptionSpec = { flags: '-e, --env <name>', what: 'only this environment' };
export const SERVICE: OptionSpec = { flags: '--service <name>', what: 'only this service' };
export const REASON: OptionSpec = { flags: '--reason <text>', what: 'why; recorded in the evidence' };
export const VERSION: OptionSpec = {
  flags: '--version <version>',
  what: 'version to release (default: from package.json, else from the commit)',
};
export const SKIP: OptionSpec = {
  flags: '--skip <name=reason>',
  what: 'leave out a stage, a step or a check (preflight.NAME), with the reason; may be repeated',
  many: true,
};
export const WAIT: OptionSpec = { flags: '--wait', what: 'queue behind a release in flight instead of being refused' };
export const DETACH: OptionSpec = { flags: '--detach', what: 'submit and return; an agent drives it' };
export const WORKER: OptionSpec = {
  flags: '--worker <who>',
  what: 'who drives it: an agent, started when none runs (auto), this process (here, as in a CI job), or only an agent that runs (agent)',
  choices: ['auto', 'here', 'agent'],
};
export const PIN: OptionSpec = {
  flags: '--pin <fingerprint>',
  what: 'fingerprint of the pack key, SHA256:..., got another way than with the pack; may be repeated',
  many: true,
};

export const REFUSED: readonly (readonly [number, string])[] = [
  [3, 'there is no such release, or several begin like that'],
  [4, 'makes no sense in the state the release is in'],
];

/** Where databases are made that are tried on and thrown away. */
export const SERVER: OptionSpec = {
  flags: '--server <url>',
  what: "make the databases on this PostgreSQL server, or the one whose URL is in this variable (default: Slipway's own)",
};
