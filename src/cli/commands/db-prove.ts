import { join } from 'node:path';
import { captureQueries, type Captured } from '../../database/index.ts';
import { ERRORS, SlipwayError } from '../../kernel/index.ts';
import { proveMigrations, saveProof } from '../../release/index.ts';
import { renderProof } from '../output/proof.ts';
import { withConfig } from './shared/app.ts';
import { migrationsFolder, namedDatabase } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { oldVersionOf } from './shared/old-version.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Runs the old and the new version on each schema of a change, in databases made for it, and says which of them work. */
export const run: Handler = async (call) =>
  withConfig(call, async (app, { definition }) => {
    const { terminal } = call;
    migrationsFolder(definition, call.directory);
    const beyond = beyondOf(call);
    const interrupt = onInterrupt();
    try {
      const proof = await proveMigrations(app.deps, {
        id: app.effects.ids.release(app.effects.clock.now()),
        workspace: app.places.workspace,
        definition,
        old: await oldVersionOf(app, definition, text(call, 'from')),
        room: join(app.places.home, 'prove'),
        captured: await capturedOf(call),
        server: namedDatabase(call, 'server') ?? (await app.deps.ownServer()),
        environment: call.environment,
        keep: flag(call, 'keep'),
        beyond,
        signal: interrupt.signal,
        onProgress: (line) => {
          if (!terminal.json) terminal.note(`${line} ...`);
        },
      });
      const evidence = await saveProof(app.places.home, proof, app.effects.clock.now());
      if (terminal.json) terminal.data({ ...proof, evidence });
      else terminal.say(renderProof(proof, evidence, terminal));
      return proof.verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      terminal.note('Interrupted. Its databases and processes are removed.');
      return INTERRUPTED;
    } finally {
      interrupt.release();
    }
  });

/** Only a server that somebody named may be changed. */
function beyondOf(call: Call): boolean {
  if (!flag(call, 'beyond') || text(call, 'server') !== undefined) return flag(call, 'beyond');
  throw new SlipwayError('usage', '--beyond: without --server it would be the server of Slipway itself that is changed', {
    hint: 'Start a server that is thrown away afterwards, and name it with --server.',
  });
}

/** What the version in service asks, where a database is named that knows. */
async function capturedOf(call: Call): Promise<Captured | null> {
  const access = namedDatabase(call, 'queriesFrom', '--queries-from');
  if (access === null) return null;
  const captured = await captureQueries(access, { role: null, minimumCalls: 1 });
  if (captured.queries.length > 0) return captured;
  throw new SlipwayError('not_possible_now', `--queries-from: ${captured.reason}`, { hint: 'slipway db capture shows what was left out.' });
}
