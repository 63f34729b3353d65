import { join } from 'node:path';
import {
  applyMigrations,
  downMigrations,
  followsConvention,
  migrationStatus,
  standaloneFence,
  type MigrationRequest,
  type MigrationStatus,
} from '../../database/index.ts';
import { ERRORS, SlipwayError } from '../../kernel/index.ts';
import { renderApplied, renderMigrationStatus } from '../output/migrations.ts';
import { actorOf, withApp } from './shared/app.ts';
import { declaredDatabase, migrationsFolder } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { flag, many, text, type Call, type Handler } from './spec.ts';

/** Applies pending migrations outside a release, or takes named ones back, as a release does it. */
export const run: Handler = async (call) =>
  withApp(call, async (app) => {
    const declared = await declaredDatabase(call, app);
    const folder = migrationsFolder(declared.definition);
    const directory = join(app.places.workspace, folder);
    const status = await migrationStatus(declared.access, directory, folder);
    if (flag(call, 'dryRun')) return show(call, status);
    const interrupt = onInterrupt();
    try {
      return await apply(call, status, {
        access: declared.access,
        directory,
        release: `by hand: ${actorOf(call.environment)}`,
        fence: await standaloneFence(declared.access),
        lockTimeoutMs: declared.database.lockTimeoutMs,
        statementTimeoutMs: declared.database.statementTimeoutMs,
        effects: app.effects,
        signal: interrupt.signal,
        onProgress: (line) => {
          if (!call.terminal.json) call.terminal.say(line);
        },
      });
    } finally {
      interrupt.release();
    }
  });

function show({ terminal }: Call, status: MigrationStatus): number {
  const unusual = status.pending.map(({ name }) => name).filter((name) => !followsConvention(name));
  const verdict = status.drift.length > 0 || status.partial !== null ? 'fail' : 'pass';
  if (terminal.json) terminal.data({ verdict, ...status, unusual });
  else terminal.say(renderMigrationStatus(status, unusual, terminal.style));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
}

async function apply(call: Call, status: MigrationStatus, request: MigrationRequest): Promise<number> {
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
    terminal.data({ direction: names.length > 0 ? 'down' : 'up', acceptedDrift: text(call, 'acceptDrift') ?? null, ...result });
  else terminal.say(renderApplied(result, terminal.style));
  if (result.verdict === 'pass') return 0;
  return request.signal?.aborted === true ? INTERRUPTED : ERRORS.gate_blocked.exit;
}
