import { createToken, revokeToken, type Token, type TokenStore } from '../../../flags/index.ts';
import { SlipwayError, toIso } from '../../../kernel/index.ts';
import type { Serving } from '../mount.ts';
import { CREATE, LIST, REVOKE } from './described/tokens.ts';
import { operation, type Operation } from './operation.ts';
import { askedBy } from './shared.ts';

/** Tokens of the token's own environment. None makes, and none revokes, one that may do more than it may itself; none makes one that lasts longer. */
export function tokenOperations(tokens: TokenStore, { clock, flags, ids, log, redact }: Serving): readonly Operation[] {
  return [
    operation(LIST, async (_, context) => {
      const found = await tokens.list(context.get('token').environment);
      return context.json({ tokens: found.map(shown) });
    }),
    operation(CREATE, async ({ body }, context) => {
      const { environment, scopes, expiresAt: until } = context.get('token');
      if (body.scopes.includes('kill') && !scopes.includes('kill'))
        throw new SlipwayError('token_scope', 'This token may not kill, so it can make none that may');
      const expiresAt = body.expiresAt === null ? null : Date.parse(body.expiresAt);
      if (expiresAt !== null && expiresAt <= clock.now()) throw new SlipwayError('request_invalid', 'expiresAt is past');
      if (until !== null && (expiresAt === null || expiresAt > until))
        throw new SlipwayError('token_scope', `This token ends at ${toIso(until)}, so it can make none that lasts longer`, {
          hint: 'Give expiresAt, or use a token that lasts longer.',
        });
      const { actor } = askedBy(context, '');
      const wanted = { environment, scopes: [...new Set(body.scopes)], description: redact(body.description), actor, expiresAt };
      const made = await createToken({ tokens, flags, ids }, wanted);
      log('info', 'token made', { environment, id: made.token.id, scopes: made.token.scopes, actor });
      context.header('cache-control', 'no-store');
      return context.json({ token: made.text, ...shown(made.token) }, 201);
    }),
    operation(REVOKE, async ({ params: { id }, query: { reason: why } }, context) => {
      const { environment, scopes } = context.get('token');
      const found = await tokens.find(id);
      const isOurs = found !== null && found.token.environment === environment;
      if (isOurs && found.token.scopes.includes('kill') && !scopes.includes('kill'))
        throw new SlipwayError('token_scope', `The token ${id} may kill, which this one may not, so it cannot revoke it`);
      const { actor, reason } = askedBy(context, redact(why));
      if (!isOurs || !(await revokeToken({ tokens, flags }, id, { actor, reason })))
        throw new SlipwayError('not_found', `There is no token ${id} that could be revoked in ${environment}`, {
          hint: 'GET /api/v1/tokens lists them.',
        });
      log('info', 'token revoked', { environment, id, actor });
      return context.body(null, 204);
    }),
  ];
}

function shown({ createdAt, expiresAt, revokedAt, lastUsedAt, ...token }: Token): object {
  const iso = (at: number | null): string | null => (at === null ? null : toIso(at));
  return { ...token, createdAt: toIso(createdAt), expiresAt: iso(expiresAt), revokedAt: iso(revokedAt), lastUsedAt: iso(lastUsedAt) };
}
