import {
  applyMigrations,
  downMigrations,
  followsConvention,
  OWN_HISTORY,
  migrationStatus,
  standaloneFence,
  type MigrationRequest,
  type MigrationStatus,
} from '../../database/index.ts';
import { ERRORS, SlipwayError } from '../../kernel/index.ts';
import { renderApplied, renderMigrationStatus } from '../output/migrations.ts';
import { actorOf, withConfig } from './shared/app.ts';
import { declaredDatabase, migrationsFolder } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { passedOver } from './shared/passed-over.ts';
import { flag, many, text, type Call, type Handler } from './spec.ts';

/** Applies pending migrations outside a release, or takes named ones back, as a release does it. */
export const run: Handler = async (call) =>
  withConfig(call, async (app, { definition }) => {
    if (text(call, 'acceptDrift')?.trim() === '')
      throw new SlipwayError('usage', '--accept-drift: the reason is empty', {
        hint: 'Say why: --accept-drift "the comment was corrected".',
      });
    const declared = await declaredDatabase(app, definition);
    const folder = migrationsFolder(definition, app.places.workspace);
    const status = await migrationStatus(declared.access, folder);
    const remarks =
      many(call, 'down').length > 0 ? [] : await passedOver(call.directory, { access: declared.access, migrations: folder, status });
    if (flag(call, 'dryRun')) return show(call, status, remarks);
    if (!call.terminal.json) for (const line of remarks) call.terminal.say(`Not asked here: ${line}`);
    if (!call.terminal.json && many(call, 'down').length === 0) for (const line of emptyFiles(status)) call.terminal.say(line);
    const interrupt = onInterrupt();
    try {
      return await apply(
        call,
        { ...status, remarks },
        {
          access: declared.access,
          ...folder,
          release: `by hand: ${actorOf(call.environment)}`,
          fence: await standaloneFence(declared.access),
          lockTimeoutMs: declared.database.lockTimeoutMs,
          statementTimeoutMs: declared.database.statementTimeoutMs,
          effects: app.effects,
          signal: interrupt.signal,
          onProgress: (line) => {
            if (!call.terminal.json) call.terminal.say(line);
          },
        },
      );
    } finally {
      interrupt.release();
    }
  });

/** A tool makes an empty file for somebody to fill in, and whoever forgets that cannot do it any more once it counts as applied. */
function emptyFiles({ pending }: MigrationStatus): readonly string[] {
  const names = pending.filter(({ statements }) => statements === 0).map(({ name }) => name);
  return names.map((name) => `${name} holds no statement: it changes nothing, and counts as applied from then on`);
}

function show({ terminal }: Call, status: MigrationStatus, remarks: readonly string[]): number {
  // A tool gives its files names of its own.
  const own = status.history === OWN_HISTORY;
  const unusual = own ? status.pending.map(({ name }) => name).filter((name) => !followsConvention(name)) : [];
  // Applying goes on in the middle of a file; what is being taken back has to be finished first.
  const refused = status.drift.length + status.hindrances.length > 0 || status.partial?.direction === 'down';
  const verdict = refused ? 'fail' : 'pass';
  if (terminal.json) terminal.data({ verdict, ...status, unusual, remarks });
  else
    terminal.say(
      [
        renderMigrationStatus(status, unusual, terminal.style),
        ...emptyFiles(status),
        ...remarks.map((line) => `Not asked here: ${line}`),
      ].join('\n'),
    );
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
}

async function apply(
  call: Call,
  status: MigrationStatus & { readonly remarks: readonly string[] },
  request: MigrationRequest,
): Promise<number> {
  const { terminal } = call;
  const names = many(call, 'down');
  const unknown = names.filter((name) => !status.applied.some((one) => one.name === name) && status.partial?.name !== name);
  if (unknown.length > 0)
    throw new SlipwayError('not_found', `${unknown.join(', ')} is not applied`, { hint: 'See what is: slipway db apply --dry-run.' });
  const result =
    names.length > 0
      ? await downMigrations({ ...request, names }).then(({ reverted, ...rest }) => ({ ...rest, applied: reverted }))
      : await applyMigrations({ ...request, acceptDrift: text(call, 'acceptDrift') !== undefined });
  if (terminal.json)
    terminal.data({
      direction: names.length > 0 ? 'down' : 'up',
      acceptedDrift: text(call, 'acceptDrift') ?? null,
      remarks: status.remarks,
      ...result,
    });
  else terminal.say(renderApplied(result, terminal.style, names.length > 0 ? 'taken back' : 'applied, stays'));
  if (result.verdict === 'pass') return 0;
  return request.signal?.aborted === true ? INTERRUPTED : ERRORS.gate_blocked.exit;
}
