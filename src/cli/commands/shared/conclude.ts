import { existsSync } from 'node:fs';
import { ERRORS, joinVerdicts } from '../../../kernel/index.ts';
import { keyFingerprints } from '../../../evidence/index.ts';
import { packFolder, rollbackTimeText } from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import { exitOf, verdictOfOutcome } from '../../output/outcome.ts';
import { headline } from '../../output/progress.ts';
import type { ReleaseView } from '../../output/release-view.ts';
import { verdictWord } from '../../output/style.ts';
import type { Call } from '../spec.ts';

/** Says how a release ended, once its evidence is written, or that it is stuck. */
export function conclude({ terminal }: Call, app: App, view: ReleaseView): void {
  const evidence = evidenceOf(app, view);
  if (terminal.json)
    terminal.data({
      kind: 'result',
      release: view.release,
      service: view.service,
      verdict: verdictOfOutcome(view),
      outcome: view.outcome,
      alreadyServes: view.alreadyServes,
      because: view.because,
      remarks: view.remarks,
      rollback: view.rollback.time,
      stuck: view.stuck,
      evidence,
      unsealedBecause: view.unsealedBecause,
      exit: exitOf(view),
    });
  else terminal.say(view.outcome === null ? stuckText(view) : endText(view, evidence, terminal.style));
}

/** Says how a set ended as a whole. */
export function concludeSet({ terminal }: Call, set: string, views: readonly ReleaseView[]): void {
  const verdict = joinVerdicts(views.map(verdictOfOutcome));
  const exit = Math.max(...views.map(exitOf));
  if (terminal.json) return terminal.data({ kind: 'set', set, releases: views.map(({ release }) => release), verdict, exit });
  const told = views.map(({ service, version, outcome }) => `${service} ${version} ${outcome ?? 'stuck'}`).join(', ');
  terminal.say(`\n${verdictWord(verdict, terminal.style)}  set ${set}: ${told}`);
}

interface EvidencePlace {
  readonly directory: string;
  /** Fingerprint of the key that signed it, for whoever verifies; null where the pack is on another machine. */
  readonly packKey: string | null;
}

function evidenceOf(app: App, view: ReleaseView): EvidencePlace | null {
  if (!view.sealed) return null;
  const directory = packFolder(app.places.home, view.release);
  return { directory, packKey: existsSync(directory) ? keyFingerprints(app.keys()).pack : null };
}

function endText(view: ReleaseView, evidence: EvidencePlace | null, style: Parameters<typeof verdictWord>[1]): string {
  const word = verdictWord(verdictOfOutcome(view), style);
  if (view.alreadyServes)
    return `\n${word}  already serving: ${view.because ?? ''}, so there was nothing left to do; release ${view.release} changed nothing`;
  const lines = [
    '',
    `${word}  ${headline(view)}: ${view.outcome ?? ''}${view.outcome === 'released' || view.because === null ? '' : `, because ${view.because}`}`,
  ];
  if (view.rollback.time !== null) lines.push(`went back in ${rollbackTimeText(view.rollback.time)}`);
  lines.push(...view.remarks.map((remark) => `remark    ${remark}`));
  if (evidence !== null) lines.push(...evidenceLines(evidence));
  if (view.unsealedBecause !== null) lines.push(...unsealedLines(view.unsealedBecause));
  if (view.outcome !== 'released') lines.push(`details   slipway show ${view.release}`);
  return lines.join('\n');
}

function evidenceLines({ directory, packKey }: EvidencePlace): readonly string[] {
  if (packKey === null) return ['evidence  is on the machine of the worker that sealed it'];
  return [`evidence  ${directory}`, `signed by ${packKey}`, `verify    slipway evidence verify ${directory} --pin ${packKey}`];
}

/** What stands in the way of the evidence, and what to do; the same wherever it is said. */
export function unsealedLines(because: string): readonly string[] {
  return [
    `NOT SEALED  the release is over, but its evidence could not be written: ${because}`,
    `repair      ${ERRORS.release_unsealed.hint}`,
  ];
}

function stuckText(view: ReleaseView): string {
  return [
    '',
    `STUCK  ${headline(view)}: ${view.stuck?.reason ?? ''}`,
    `look        slipway show ${view.release}`,
    `try again   slipway resume ${view.release}`,
    ...(view.wayOn === null ? [] : [`go on       ${view.wayOn}`]),
    ...(view.wayBack === null ? [] : [`go back     ${view.wayBack}`]),
    `close as is slipway abort ${view.release} --accept REASON`,
  ].join('\n');
}
