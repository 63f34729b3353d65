import { ERRORS, SlipwayError } from '../../kernel/index.ts';
import { contractGate, sourceOf } from '../../release/index.ts';
import { renderGate } from '../output/contract.ts';
import { withConfig } from './shared/app.ts';
import { declaredDatabase, migrationsFolder } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { wholeNumber } from './shared/numbers.ts';
import { text, type Handler } from './spec.ts';

export const SAMPLE_ROWS = 20_000;
const MOST_ROWS = 10_000_000;

/** Says whether anybody still needs what is about to be contracted. */
export const run: Handler = async (call) =>
  withConfig(call, async (app, { definition }) => {
    const { terminal } = call;
    migrationsFolder(definition, call.directory);
    await declaredDatabase(app, definition);
    const rows = text(call, 'rows');
    const only = call.args[0] ?? null;
    const interrupt = onInterrupt();
    try {
      const report = await contractGate(app.deps, {
        workspace: app.places.workspace,
        folder: call.directory,
        definition,
        gitSha: await sourceOf(app.places.workspace),
        only: only === null ? 'all' : { name: only },
        proves: definition.database?.prove === 'required',
        sampleRows: rows === undefined ? SAMPLE_ROWS : wholeNumber('--rows', rows, [1, MOST_ROWS]),
        signal: interrupt.signal,
      });
      if (only !== null && report.contracts.length === 0)
        throw new SlipwayError('config_missing', `There is no contracts/${only}.yaml`, {
          hint: 'Declare there what goes (docs/contract.md), or leave the name out.',
        });
      if (terminal.json) terminal.data(report);
      else terminal.say(renderGate(report, terminal));
      return report.contracts.length === 0 || report.verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      return INTERRUPTED;
    } finally {
      interrupt.release();
    }
  });
