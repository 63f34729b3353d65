import { noticeKey, type ExpiryNotice } from '../core/notice.ts';
import { toIso } from '../../kernel/index.ts';

const TIMEOUT_MS = 10_000;

/**
 * Posts a notice as JSON. `text` is what the incoming webhooks of chats show; `Idempotency-Key` names the notice.
 * The address is a secret, so no message has it. @throws Error when it did not get there
 */
export async function postNotice(address: string, notice: ExpiryNotice, signal: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': noticeKey(notice) },
    body: JSON.stringify({ ...notice, expiresAt: toIso(notice.expiresAt) }),
    redirect: 'error',
    signal: AbortSignal.any([late, signal]),
  }).catch((error: unknown) => {
    throw new Error(late.aborted ? `no answer within ${TIMEOUT_MS} ms` : 'the address of `notify` cannot be reached', { cause: error });
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the address of \`notify\` answered ${response.status}`);
}
