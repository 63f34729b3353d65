/**
 * The one table of refusals: what a user, an operator or a broken environment can cause.
 * `exit` is the CLI's exit code, `http` the API's status, `hint` what to do next.
 * A code is never reused for another meaning. Our own bugs are plain `Error`s and exit 70.
 */
export const ERRORS = {
  usage: { exit: 2, http: 400, hint: 'Run the command with --help to see what it takes.' },
  config_missing: { exit: 2, http: 400, hint: 'Run `slipway init` to write a slipway.yaml, or pass --config FILE.' },
  config_invalid: { exit: 2, http: 400, hint: 'Correct the lines named above; docs/configuration.md lists every key.' },
  secret_in_config: { exit: 2, http: 400, hint: 'Put the value in an environment variable or .env file and write ${env:NAME}.' },
  secret_missing: { exit: 2, http: 400, hint: 'Set the variable where the worker runs (or in .env), then `slipway resume`.' },
  already_serving: { exit: 2, http: 409, hint: 'Raise the version in package.json, or pass --version.' },
  not_found: { exit: 3, http: 404, hint: 'Run `slipway list` to see what exists.' },
  ambiguous: { exit: 3, http: 409, hint: 'Give more characters of the id.' },
  not_possible_now: { exit: 4, http: 409, hint: 'Run `slipway status` to see what the release is doing.' },
  locked: { exit: 5, http: 409, hint: 'Wait for the owner, or queue behind it with --wait.' },
  flag_invalid: { exit: 2, http: 422, hint: 'Correct what is named above; docs/flags/README.md explains it.' },
  flag_conflict: { exit: 5, http: 412, hint: 'Look at it again (`slipway flag show`), then make the change from what is there.' },
  flag_exists: { exit: 5, http: 409, hint: 'Change what is there (`slipway flag show` shows it), or choose another key.' },
  ramp_under_way: { exit: 5, http: 409, hint: 'See it with `slipway ramp status`, or end it with `slipway ramp cancel`.' },
  gate_blocked: { exit: 6, http: 422, hint: 'Correct the checks named above, or skip one with --skip NAME=REASON.' },
  release_failed: { exit: 10, http: 422, hint: 'Run `slipway show` to see the step that failed and its log.' },
  release_rolled_back: { exit: 11, http: 422, hint: 'The old version is serving. Run `slipway show` for the cause.' },
  release_stuck: { exit: 12, http: 500, hint: 'A person is needed: `slipway show` names the step, `slipway resume` retries it.' },
  release_aborted: { exit: 13, http: 409, hint: 'Nothing was left changed. Start again with `slipway release`.' },
  release_unsealed: {
    exit: 15,
    http: 500,
    hint: 'Repair what is named above: the release is over, and a worker seals it as soon as it can.',
  },
  rollback_late: {
    exit: 16,
    http: 422,
    hint: 'Users are on the version asked for, but not within `rollback.within`. `slipway show` says which step took long; see docs/rollback.md.',
  },
  flag_unacknowledged: {
    exit: 19,
    http: 504,
    hint: 'The change is made. `slipway flag show` tells who has it by now; a client that does not hear of it goes by its `stale` rule.',
  },
  evidence_invalid: { exit: 14, http: 422, hint: 'Do not trust this pack; export it again from the ledger and compare.' },
  fenced: { exit: 20, http: 409, hint: 'Another worker took this release over; nothing more is done here.' },
  store_unreachable: { exit: 21, http: 503, hint: 'Check SLIPWAY_DATABASE_URL, or run `slipway doctor`.' },
  store_owner: { exit: 21, http: 503, hint: 'Run the command as the user whose store it is.' },
  state_unwritable: {
    exit: 21,
    http: 503,
    hint: 'Set SLIPWAY_HOME to a folder that this user may write to, or make the one named above writable.',
  },
  flags_stale: {
    exit: 21,
    http: 503,
    hint: 'Ask another server process. This one answers again as soon as it reaches its store; --stale-limit sets how long it does without.',
  },
  store_version: { exit: 21, http: 503, hint: 'The store was written by a newer Slipway; upgrade this one.' },
  database_unreachable: { exit: 22, http: 503, hint: 'Check database.url in slipway.yaml and that the server is up.' },
  database_refused: { exit: 22, http: 422, hint: 'The database refused the statement; its message is above.' },
  client_tool_missing: { exit: 23, http: 424, hint: 'Install the tool named above, or choose another method.' },
  agent_unreachable: { exit: 24, http: 503, hint: 'Start it with `slipway agent start`.' },
  agent_running: { exit: 24, http: 409, hint: 'One agent serves a directory; `slipway agent status` names it.' },
  port_in_use: { exit: 25, http: 409, hint: 'Stop what listens there, or choose another port.' },
  command_not_found: { exit: 26, http: 422, hint: 'Check the spelling and the PATH of the worker.' },
  disk_full: { exit: 27, http: 507, hint: 'Free space, then try again; a release that got stuck goes on with `slipway resume`.' },
  state_corrupt: { exit: 28, http: 500, hint: 'Run `slipway doctor`; it names the file and how to set it aside.' },
  platform_unsupported: { exit: 29, http: 501, hint: 'Set SLIPWAY_DATABASE_URL to a PostgreSQL of your own.' },
  token_refused: {
    exit: 31,
    http: 401,
    hint: 'Send a token that is valid (slp_...): in the header Authorization after the word Bearer, or in the header X-API-Key.',
  },
  token_scope: { exit: 31, http: 403, hint: 'Use a token that has the scope; docs/flags/server.md lists them.' },
  token_environment: {
    exit: 31,
    http: 403,
    hint: 'Use a token of the environment that is wanted; `slipway token list` tells whose is whose.',
  },
  request_invalid: { exit: 2, http: 400, hint: 'GET /openapi.json says what the request looks like.' },
  reason_missing: {
    exit: 2,
    http: 400,
    hint: 'Say why: --reason "...", or `reason` in the request. `slipway flag reasons` says where that is needed.',
  },
  revision_missing: { exit: 2, http: 428, hint: 'Send the ETag of what you changed as If-Match.' },
  too_large: { exit: 2, http: 413, hint: 'Send less at once.' },
  too_many_requests: { exit: 32, http: 429, hint: 'Wait as long as Retry-After says.' },
  too_many_streams: {
    exit: 32,
    http: 503,
    hint: 'Come again when Retry-After says, or ask another server process; --most-streams of `slipway serve` sets how many one has.',
  },
  artifact_mismatch: { exit: 30, http: 409, hint: 'A version is immutable; release the change under a new version.' },
} as const satisfies Readonly<Record<string, { exit: number; http: number; hint: string }>>;

export type ErrorCode = keyof typeof ERRORS;

/** Exit code for an internal error (a bug of ours), after sysexits' EX_SOFTWARE. */
export const EXIT_BUG = 70;

/**
 * A refused or broken environment, with a code from {@link ERRORS}.
 * `message` says what happened in the user's terms; `hint` says what to do (defaults to the table's).
 */
export class SlipwayError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'SlipwayError';
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }

  get http(): number {
    return ERRORS[this.code].http;
  }
}

/** The message of anything thrown, without a stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
