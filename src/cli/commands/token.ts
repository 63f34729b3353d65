import { SlipwayError, toIso, type Instant } from '../../kernel/index.ts';
import { createToken, revokeToken, SCOPES, tokenEvents, type Scope, type Token, type TokenEvent } from '../../flags/index.ts';
import { plain } from '../output/as-is.ts';
import type { Style } from '../output/style.ts';
import { table } from '../output/table.ts';
import { actorOf, withAppNow } from './shared/app.ts';
import { askedOf, environmentName, newEnvironmentOf, noteNewEnvironment, readWhen } from './shared/flags.ts';
import { many, text, type Call, type Handler } from './spec.ts';

/** Makes a token. Only here it is printed whole, past the redactor. */
export const create: Handler = async (call) => {
  const scopes = scopesOf(call);
  const environment = await newEnvironmentOf(call);
  const expires = text(call, 'expires');
  const until = expires === undefined || expires === 'never' ? null : readWhen('--expires', expires);
  return withAppNow(call, async ({ opened, effects }) => {
    await noteNewEnvironment(call, opened.flags, environment);
    // By the clock that it will be judged by.
    const expiresAt = until === null ? null : until(await opened.flags.now());
    const description = text(call, 'description') ?? '';
    const made = await createToken(
      { ...opened, ids: effects.ids },
      { environment, scopes, description, actor: actorOf(call.environment), expiresAt },
    );
    const { terminal } = call;
    if (terminal.json) terminal.raw(`${JSON.stringify({ token: made.text, ...rowOf(made.token) })}\n`);
    else {
      terminal.raw(`${made.text}\n`);
      terminal.note(
        `note: this token is shown once. It may ${scopes.join(', ')} in ${environment}${expiresAt === null ? '' : `, until ${toIso(expiresAt)}`}; \`slipway token revoke ${made.token.id}\` ends it.`,
      );
    }
    return 0;
  });
};

function scopesOf(call: Call): readonly Scope[] {
  const given = many(call, 'scope');
  const unknown = given.find((one) => !SCOPES.some((scope) => scope === one));
  if (unknown === undefined && given.length > 0) return SCOPES.filter((scope) => given.includes(scope));
  throw new SlipwayError('usage', unknown === undefined ? '--scope is needed' : `--scope ${unknown}: there is no such scope`, {
    hint: `Give one of ${SCOPES.join(', ')}, or several.`,
  });
}

/** Lists tokens, the oldest first. */
export const list: Handler = async (call) => {
  const given = text(call, 'env');
  const environment = given === undefined ? null : environmentName(given);
  return withAppNow(call, async ({ opened }) => {
    const tokens = await opened.tokens.list(environment);
    const now = await opened.flags.now();
    const { terminal } = call;
    if (terminal.json) terminal.data({ tokens: tokens.map(rowOf) });
    else if (tokens.length === 0) terminal.say('There is no token. Make one with `slipway token create`.');
    else {
      const rows = tokens.map((one) => [one.id, one.environment, one.scopes.join(', '), stateOf(one, now), lastUse(one), one.description]);
      terminal.say(table([['TOKEN', 'ENVIRONMENT', 'MAY', 'STATE', 'LAST USED', 'FOR'].map(terminal.style.dim), ...rows]));
    }
    return 0;
  });
};

function lastUse({ lastUsedAt }: Token): string {
  return lastUsedAt === null ? 'never' : `${toIso(lastUsedAt).slice(0, 16)}Z`;
}

function stateOf({ revokedAt, expiresAt }: Token, now: Instant): string {
  if (revokedAt !== null) return `revoked ${toIso(revokedAt).slice(0, 10)}`;
  if (expiresAt === null) return 'valid';
  return expiresAt <= now ? `expired ${toIso(expiresAt).slice(0, 10)}` : `until ${toIso(expiresAt).slice(0, 10)}`;
}

function rowOf(token: Token): Readonly<Record<string, unknown>> {
  const times = ['createdAt', 'expiresAt', 'revokedAt', 'lastUsedAt'] as const;
  return { ...token, ...Object.fromEntries(times.map((name) => [name, token[name] === null ? null : toIso(token[name])])) };
}

/** Says who made and who revoked tokens, newest first. */
export const history: Handler = async (call) => {
  const given = text(call, 'env');
  const environment = given === undefined ? null : environmentName(given);
  return withAppNow(call, async ({ opened }) => {
    const events = tokenEvents(await opened.tokens.list(environment));
    const document = (): object[] =>
      events.map(({ token, at, ...event }) => ({
        at: toIso(at),
        ...event,
        token: { id: token.id, environment: token.environment, scopes: token.scopes },
      }));
    const { terminal } = call;
    if (terminal.json) terminal.data({ events: document() });
    else terminal.say(events.length === 0 ? 'No token was ever made.' : events.map((event) => eventText(event, terminal.style)).join('\n'));
    return 0;
  });
};

function eventText({ at, action, actor, reason, token: { id, environment, scopes } }: TokenEvent, style: Style): string {
  const who = actor === null ? 'somebody, which an older build did not record' : plain(actor);
  const what = `${id}, which may ${scopes.join(', ')} in ${environment}`;
  return `${toIso(at)}  ${style.bold(action)} by ${who}: ${what}${reason === '' ? '' : ` (${plain(reason)})`}`;
}

/** Ends a token. */
export const revoke: Handler = async (call) => {
  const [id = ''] = call.args;
  return withAppNow(call, async (app) => {
    const { opened } = app;
    const { actor, reason } = askedOf(call, app, '');
    const revoked = await revokeToken(opened, id, { actor, reason });
    if (!revoked) refuseRevoked(id, (await opened.tokens.find(id)) !== null);
    const { terminal } = call;
    if (terminal.json) terminal.data({ id, revoked, actor, reason });
    else terminal.say(`Token ${id} is revoked.`);
    return 0;
  });
};

function refuseRevoked(id: string, known: boolean): never {
  if (known) throw new SlipwayError('not_possible_now', `Token ${id} was revoked before`, { hint: 'Nothing is left to do.' });
  throw new SlipwayError('not_found', `There is no token ${id}`, { hint: 'Run `slipway token list` to see those there are.' });
}
