import { SlipwayError, type ErrorCode } from '../kernel/index.ts';

/** A peer that is away may be back in a moment. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set([
  'agent_unreachable',
  'database_unreachable',
  'store_unreachable',
  'disk_full',
  'port_in_use',
]);

/** Is this a refusal by something that may answer otherwise in a moment? Then trying again makes sense. */
export function mayPass(error: unknown): boolean {
  return error instanceof SlipwayError && MAY_PASS.has(error.code);
}
