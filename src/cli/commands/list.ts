import { SlipwayError, toIso } from '../../kernel/index.ts';
import type { ReleaseSummary } from '../../release/index.ts';
import { renderList } from '../output/listing.ts';
import { withStore } from './shared/app.ts';
import { refuseUnknownPlace } from './shared/unknown-place.ts';
import { text, type Handler } from './spec.ts';

const USUAL_LIMIT = 20;
const MOST = 10_000;

/** Lists releases, newest first. */
export const run: Handler = async (call) => {
  const limit = limitOf(text(call, 'limit'));
  const service = text(call, 'service');
  const environment = text(call, 'env');
  return withStore(call, async ({ opened, effects }) => {
    const releases = await opened.store.list({
      limit,
      ...(service === undefined ? {} : { service }),
      ...(environment === undefined ? {} : { environment }),
    });
    if (releases.length === 0 && (environment ?? service) !== undefined) await refuseUnknownPlace(opened.store, { service, environment });
    const { terminal } = call;
    if (terminal.json) terminal.data({ releases: releases.map(rowOf) });
    else terminal.say(renderList(releases, effects.clock.now(), terminal.style));
    return 0;
  });
};

function limitOf(given: string | undefined): number {
  if (given === undefined) return USUAL_LIMIT;
  const limit = Number(given);
  if (!/^\d+$/.test(given) || limit < 1 || limit > MOST)
    throw new SlipwayError('usage', `--limit ${given}: a whole number from 1 to ${MOST} is needed`);
  return limit;
}

/** A summary with its times as text, for documents. */
export function rowOf(summary: ReleaseSummary): Readonly<Record<string, unknown>> {
  return {
    ...summary,
    requestedAt: toIso(summary.requestedAt),
    leaseUntil: summary.leaseUntil === null ? null : toIso(summary.leaseUntil),
    finishedAt: summary.finishedAt === null ? null : toIso(summary.finishedAt),
  };
}
