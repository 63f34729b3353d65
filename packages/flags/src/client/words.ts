import type { Refusal } from '../core/stream/apply.ts';

/** What a refusal of the server says of itself; `docs/errors.md` has the codes. */
export interface Said {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What was refused, as far as it is known: what was found in it, and what was wanted there. */
export interface Refused {
  readonly why: Refusal;
  readonly found: string | null;
  readonly wanted: string | null;
}

/** A command to make the token that a client needs. */
function makeToken(environment: string | null): string {
  return `\`slipway token create --scope server-evaluate --env ${environment ?? 'ENVIRONMENT'}\``;
}

/** What it means that the server, or something before it, did not answer with flags, and what to do. */
export function unansweredText(url: string, status: number, said: Said | null, environment: string | null): string {
  const own = said === null ? '' : ` ${said.message}.`;
  if (status === 401) {
    return `the token is refused (401): it is mistyped, revoked or expired. Make one with ${makeToken(environment)}, and give it to the client as \`token\``;
  }
  if (said?.code === 'token_environment') {
    return `the token is of another environment (403): ${said.message}. ${said.hint}`;
  }
  if (status === 403) {
    return `the token may not ask for the rules (403): it needs the scope server-evaluate.${own} Make one with ${makeToken(environment)}`;
  }
  if (status === 404) return `there are no flags at ${url} (404): \`url\` must be the address of \`slipway serve\`, without a path`;
  const retried = 'It is asked again by itself';
  if (said !== null) return `the server does not answer with flags now (${status}): ${said.message}. ${retried}`;
  return `${url} answered ${status} and no flags: look at \`slipway serve\` there, and at what stands before it. ${retried}`;
}

/** Nobody answered. */
export function unreachableText(url: string, cause: unknown): string {
  return `${url} cannot be reached (${causeText(cause)}): check \`url\`, the way there, and that \`slipway serve\` runs. It is tried again by itself`;
}

/** Node's `fetch failed` says nothing without its cause. */
function causeText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (!(thrown.cause instanceof Error)) return thrown.message;
  // Where a name has several addresses the reasons are inside, and the message is empty.
  const inside = thrown.cause instanceof AggregateError ? thrown.cause.errors.map(causeText).join(', ') : '';
  return thrown.cause.message === '' ? inside : thrown.cause.message;
}

const KEPT = 'It is not believed, and what was known stays';

/** What is wrong with flags that are not taken, and what to do. */
export function refusedText({ why, found, wanted }: Refused): string {
  switch (why) {
    case 'malformed':
      return `the server sent something that this build cannot read. ${KEPT}: bring @slipway/flags to the version of the server, and see that no proxy changes what it says`;
    case 'forged':
      return `the server sent flags with a signature that is wrong. ${KEPT}: something changed them on their way (use TLS), or this runtime cannot verify Ed25519`;
    case 'unknown-key':
      return `the server sent flags signed by a key that is not trusted, ${found ?? 'unknown'}. ${KEPT}: if processes of \`slipway serve\` do not all log the same key as "flags are signed", give them the same key file; if all log this one, ${trustText(wanted)}; if none does, look who answers there`;
    case 'foreign-environment':
      return `the server sent flags of ${found ?? 'another environment'}, and this client wants ${wanted ?? 'another one'}: give it a token of ${wanted ?? 'that one'}, or create it with \`environment: '${found ?? ''}'\` and a last-good file of its own`;
    case 'rolled-back':
      return `the server sent flags older than those that are known already (${found ?? '?'}, and not ${wanted ?? '?'}). ${KEPT}: was its store restored from a backup? Then run \`slipway flag restored\` once`;
  }
}

function trustText(pinned: string | null): string {
  return pinned === null ? 'remove the last-good file and start again' : 'add it to `keys`';
}

/** A change was missed, and asking for the whole does not bring it. */
export function gapText(tries: number, seq: number | null): string {
  return `changes after ${seq ?? 'the beginning'} are missing, and the server was asked ${tries} times for the whole without having them: flags may be old. It is asked again by itself; a cache or an old server process between may answer, see \`slipway flag show\``;
}
