import { resolve } from 'node:path';
import { ERRORS, formatDuration, SlipwayError, toIso } from '../../kernel/index.ts';
import { loadConfig } from '../../config/index.ts';
import { foldEvents, hypothesis, replay, type Hypothesis, type Replay, type StoredRelease } from '../../release/index.ts';
import { verdictWord, type Style } from '../output/style.ts';
import { withStore } from './shared/app.ts';
import { noCanary } from './shared/what-if.ts';
import { anyRelease } from './shared/which.ts';
import { text, type Handler } from './spec.ts';

/** Judges a canary again from the counts in its ledger, and asks what another policy would have decided. */
export const run: Handler = async (call) =>
  withStore(call, async (app) => {
    const { terminal } = call;
    const stored = await app.opened.store.load(await anyRelease(call, app.opened.store));
    const { plan } = foldEvents(stored.events);
    const again = replay(plan, stored.events);
    if (again.looks.length === 0)
      throw new SlipwayError('not_possible_now', `Release ${plan.release} has no canary that was judged`, {
        hint: 'Only a release with the strategy `canary` is; `slipway list` shows the others.',
      });
    const file = text(call, 'policy');
    const other = file === undefined ? null : await askOther(stored, resolve(call.directory, file));
    if (terminal.json) terminal.data(documentOf(plan.release, again, other));
    else terminal.say([...lookLines(again, terminal.style), '', ...endLines(again), ...otherLines(again, other, file ?? '')].join('\n'));
    return again.identical ? 0 : ERRORS.evidence_invalid.exit;
  });

async function askOther({ events }: StoredRelease, file: string): Promise<Hypothesis | null> {
  const { plan } = foldEvents(events);
  const { definition } = await loadConfig(file, plan.environment);
  const policy = definition.strategy.canary?.policy;
  if (policy === undefined) throw noCanary(file);
  return hypothesis(plan, events, policy);
}

function lookLines({ looks }: Replay, style: Style): readonly string[] {
  return looks.map(
    ({ step, at, judgement, same }) =>
      `${toIso(at)}  ${verdictWord(judgement.verdict, style)} ${step}: ${judgement.because}${same ? '' : style.bad('  (was recorded otherwise)')}`,
  );
}

function endLines({ looks, identical, badRequests }: Replay): readonly string[] {
  const told = Object.entries(badRequests).map(([name, count]) => `${count} bad by ${name}`);
  const end = identical
    ? `${looks.length} looks judged again: every verdict is the recorded one`
    : 'Not every verdict is the recorded one: another build may have judged it';
  return [`${end}; the canary's requests: ${told.join(', ')}`];
}

function otherLines({ looks }: Replay, other: Hypothesis | null, file: string): readonly string[] {
  if (other === null) return [];
  if (other.failed === null) return [`By the policy of ${file} it would not have failed: ${other.verdict}; ${other.because}`];
  const { step, at, badRequests } = other.failed;
  const failed = looks.find(({ judgement }) => judgement.verdict === 'fail');
  const when = failed === undefined ? 'where it did not fail by its own' : compared(at - failed.at);
  return [
    `By the policy of ${file} it would have failed at ${toIso(at)} (${step}), ${when}, after ${badRequests} bad requests: ${other.because}`,
  ];
}

function compared(ms: number): string {
  return ms === 0 ? 'at the same time' : `${formatDuration(Math.abs(ms))} ${ms < 0 ? 'sooner' : 'later'}`;
}

function documentOf(release: string, { looks, identical, badRequests }: Replay, other: Hypothesis | null): object {
  return {
    release,
    identical,
    badRequests,
    looks: looks.map(({ judgement, ...look }) => ({ ...look, verdict: judgement.verdict, because: judgement.because })),
    other,
  };
}
