import { createRedactor, messageOf, SlipwayError } from '../kernel/index.ts';
import { REASON_MISSING } from './flags/reasons-kept.ts';

/** What an error of the database means for an operation: try again, or refuse with a code. Null: a bug of ours. */
export type Failure = 'transient' | SlipwayError | null;

const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);

/**
 * SQLSTATEs after which the same transaction may succeed: serialization_failure, deadlock_detected, admin_shutdown,
 * crash_shutdown, cannot_connect_now, idle_session_timeout, idle_in_transaction_session_timeout, too_many_connections, and class 08 (connection exceptions).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const AGAIN = new Set(['40001', '40P01', '57P01', '57P02', '57P03', '57P05', '25P03', '53300']);

/** Messages of node-postgres that carry no code. */
const LOST = /connection terminated|not queryable|timeout exceeded when trying to connect|client was closed|connection ended unexpectedly/i;

/** Whoever is there says that no server listens, or that there is no way to it. */
const REFUSED = new Set(['ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', 'ENETUNREACH']);

/** An answer, and not a silence: it will be the same in a moment, unless somebody starts the server. */
export function isRefused(thrown: unknown): boolean {
  return REFUSED.has(String((thrown as { readonly code?: unknown } | null)?.code));
}

const redact = createRedactor();

/** Classifies anything thrown by a database call. */
export function classify(thrown: unknown): Failure {
  if (thrown instanceof SlipwayError) return thrown;
  const code = (thrown as { readonly code?: unknown } | null)?.code;
  const message = redact(messageOf(thrown));
  if (typeof code !== 'string') return LOST.test(message) ? 'transient' : null;
  if ((thrown as { readonly constraint?: unknown }).constraint === REASON_MISSING) return new SlipwayError('reason_missing', message);
  if (NETWORK.has(code) || AGAIN.has(code) || code.startsWith('08')) return 'transient';
  return refusal(code, message);
}

function refusal(code: string, message: string): SlipwayError | null {
  if (code === '53100') return new SlipwayError('disk_full', `The store's disk is full: ${message}`);
  if (code.startsWith('XX00')) return new SlipwayError('state_corrupt', `The store is damaged: ${message}`);
  if (code === '25006') {
    return new SlipwayError('store_unreachable', 'The store is read-only', {
      hint: 'SLIPWAY_DATABASE_URL names a standby; point it at the primary.',
    });
  }
  // 28: authorization, 3D000: no such database, 42501: insufficient privilege, ENOTFOUND: no such host.
  if (code.startsWith('28') || code === '3D000' || code === '42501' || code === 'ENOTFOUND') {
    return new SlipwayError('store_unreachable', `The store refused: ${message}`);
  }
  return null;
}
