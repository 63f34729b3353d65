import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backfillNames, loadBackfill, loadConfig } from '../../config/index.ts';
import { ERRORS } from '../../kernel/index.ts';
import { proofFolder, proveMigrations, type DeclaredBackfill, type Proof } from '../../release/index.ts';
import type { App } from '../compose.ts';
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
        readDefinition: async (folder) => (await loadConfig(folder, text(call, 'env'))).definition,
        readBackfills,
        server: namedDatabase(call, 'server') ?? (await app.ownServer()),
        environment: call.environment,
        keep: flag(call, 'keep'),
        signal: interrupt.signal,
        onProgress: (line) => {
          if (!terminal.json) terminal.note(`${line} ...`);
        },
      });
      const evidence = await save(app, proof);
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

async function readBackfills(folder: string): Promise<readonly DeclaredBackfill[]> {
  const names = await backfillNames(folder);
  return Promise.all(names.map((name) => loadBackfill(folder, name)));
}

/** The proof as a file, with a digest beside it that `sha256sum -c` understands. */
async function save({ places }: App, proof: Proof): Promise<{ readonly file: string; readonly sha256: string }> {
  const file = join(proofFolder(places.home, proof.id), 'proof.json');
  const bytes = `${JSON.stringify(proof, null, 2)}\n`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeFile(file, bytes, { mode: 0o600 });
  await writeFile(`${file}.sha256`, `${sha256}  proof.json\n`, { mode: 0o600 });
  return { file, sha256 };
}
