import type { CommandSpec } from '../spec.ts';
import { FLAG_ENV, STORE } from './flags.ts';

/** Commands about who may ask for flags. */
export const TOKEN_COMMANDS: readonly CommandSpec[] = [
  {
    path: 'token create',
    purpose: 'Make a token for clients of `slipway serve`; it is shown once.',
    options: [
      FLAG_ENV,
      {
        flags: '--scope <scope>',
        what: 'what it may do: client-evaluate, server-evaluate, write or kill; may be repeated',
        many: true,
      },
      { flags: '--expires <when>', what: 'when it ends: 2027-03-31, or 90d from now (default: never)' },
      { flags: '--description <text>', what: 'what it is for' },
    ],
    notes: 'Kept are its id and the SHA-256 of its secret. docs/flags/protocol.md says what each scope may do.',
    examples: [
      { line: 'slipway token create --scope server-evaluate --env prd --description shop', what: 'for a service' },
      { line: 'slipway token create --scope kill --env prd --expires 30d', what: 'for whoever is on call' },
    ],
    exits: [STORE],
    json: '{ token, id, environment, scopes, description, createdBy, createdAt, expiresAt }; "token" is shown here and nowhere else',
    load: async () => (await import('../token.ts')).create,
  },
  {
    path: 'token list',
    purpose: 'List tokens: what they may do, until when, and when they were last used.',
    options: [{ flags: '-e, --env <name>', what: 'only of this environment' }],
    examples: [
      { line: 'slipway token list', what: 'all' },
      { line: 'slipway token list --env prd', what: 'of one environment' },
    ],
    exits: [STORE],
    json: '{ tokens: [{ id, environment, scopes, description, createdBy, createdAt, expiresAt, revokedAt, revokedBy, revokeReason, lastUsedAt }] }',
    load: async () => (await import('../token.ts')).list,
  },
  {
    path: 'token history',
    purpose: 'Tell who made and who revoked tokens, when and why, newest first.',
    options: [{ flags: '-e, --env <name>', what: 'only of this environment' }],
    notes: 'Of a token that was made the reason is what it is for. Tokens are never taken away, so this is all that happened.',
    examples: [
      { line: 'slipway token history --env prd', what: 'of one environment' },
      { line: 'slipway token history --json', what: 'all, for an audit' },
    ],
    exits: [STORE],
    json: '{ events: [{ at, action, actor, reason, token: { id, environment, scopes } }] }; "action" is made or revoked; "actor" is null where an older build revoked it',
    load: async () => (await import('../token.ts')).history,
  },
  {
    path: 'token revoke',
    purpose: 'End a token now, for ever.',
    args: [{ syntax: '<id>', what: 'its id: what stands between the underscores of slp_ID_SECRET' }],
    options: [{ flags: '--reason <text>', what: 'why; kept with the token' }],
    examples: [
      { line: "slipway token revoke 4f1c09d2a7b36e58 --reason 'the laptop is lost'", what: 'by its id' },
      { line: 'slipway token revoke 4f1c09d2a7b36e58 --json', what: 'in a script' },
    ],
    exits: [[3, 'there is no such token'], [4, 'it was revoked before'], STORE],
    json: '{ id, revoked, actor, reason }',
    load: async () => (await import('../token.ts')).revoke,
  },
];
