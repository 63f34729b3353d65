import { SlipwayError } from '../../../kernel/index.ts';
import type { ReleaseStore } from '../../../release/index.ts';

/** Enough to meet every service that is still in use. */
const RECENT = 500;

/**
 * For a filter that matched no release: where nothing at all was released, an empty answer is the right one.
 * @throws SlipwayError `not_found`, naming what was released; a mistyped name must not look like a service that does not run
 */
export async function refuseUnknownPlace(
  store: Pick<ReleaseStore, 'list'>,
  { service, environment }: { readonly service: string | undefined; readonly environment: string | undefined },
): Promise<void> {
  const recent = await store.list({ limit: RECENT });
  if (recent.length === 0) return;
  const places = [...new Set(recent.map((one) => `${one.service} in ${one.environment}`))].toSorted();
  const asked = [...(service === undefined ? [] : [`of ${service}`]), ...(environment === undefined ? [] : [`in ${environment}`])];
  throw new SlipwayError('not_found', `Nothing ${asked.join(' ')} was released from here`, {
    hint: `What was: ${places.join(', ')}.`,
  });
}
