import { join } from 'node:path';
import { ERRORS } from '../../kernel/index.ts';
import { proveMigrations, saveProof } from '../../release/index.ts';
import { renderProof } from '../output/proof.ts';
import { configOf, withApp } from './shared/app.ts';
import { migrationsFolder, namedDatabase } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { oldVersionOf } from './shared/old-version.ts';
import { flag, text, type Handler } from './spec.ts';

/** Runs the old and the new version on each schema of a change, in databases made for it, and says which of them work. */
export const run: Handler = async (call) =>
  withApp(call, async (app) => {
    const { terminal } = call;
    const { definition } = await configOf(call);
    migrationsFolder(definition);
    const interrupt = onInterrupt();
    try {
      const proof = await proveMigrations(app.deps, {
        id: app.effects.ids.release(app.effects.clock.now()),
        workspace: app.places.workspace,
        definition,
        old: await oldVersionOf(app, definition, text(call, 'from')),
        room: join(app.places.home, 'prove'),
        server: namedDatabase(call, 'server') ?? (await app.deps.ownServer()),
        environment: call.environment,
        keep: flag(call, 'keep'),
        signal: interrupt.signal,
        onProgress: (line) => {
          if (!terminal.json) terminal.note(`${line} ...`);
        },
      });
      const evidence = await saveProof(app.places.home, proof);
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
