import { judgeMismatch, sampleMismatch } from '../../database/index.ts';
import { loadContract } from '../../config/index.ts';
import { ERRORS, SlipwayError } from '../../kernel/index.ts';
import { random } from '../compose.ts';
import { renderChecks } from '../output/checks.ts';
import { refuseStrangeFolder, withConfig } from './shared/app.ts';
import { declaredDatabase } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { timeSpan, wholeNumber } from './shared/numbers.ts';
import { SAMPLE_ROWS } from './db-contract.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

const ROWS = [1, 10_000_000] as const;
const DAY_MS = 86_400_000;
const USUAL_MS = 60_000;

/** Looks for rows in which the old and the new shape disagree. */
export const run: Handler = async (call) => {
  const [name = ''] = call.args;
  await refuseStrangeFolder(call);
  const { mismatch } = await loadContract(call.directory, name);
  if (mismatch === null)
    throw new SlipwayError('config_invalid', `contracts/${name}.yaml does not say how rows that disagree are found`, {
      hint: 'Add `mismatch` with `table` and `where` (docs/contract.md).',
    });
  const bounds = boundsOf(call);
  return withConfig(call, async (app, { definition }) => {
    const { terminal } = call;
    const { access } = await declaredDatabase(app, definition);
    const interrupt = onInterrupt();
    try {
      const sample = await sampleMismatch(access, mismatch, {
        ...bounds,
        clock: app.effects.clock,
        random,
        signal: interrupt.signal,
      });
      const answer = judgeMismatch(sample, mismatch);
      if (terminal.json) terminal.data({ contract: name, ...answer, ...sample });
      else terminal.say(renderChecks([{ name, ...answer }], terminal.width, terminal.style));
      if (interrupt.signal.aborted) return INTERRUPTED;
      return answer.verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
    } finally {
      interrupt.release();
    }
  });
};

function boundsOf(call: Call): { readonly rows: number | null; readonly withinMs: number } {
  const [rows, within] = [text(call, 'rows'), text(call, 'within')];
  return {
    rows: flag(call, 'all') ? null : rows === undefined ? SAMPLE_ROWS : wholeNumber('--rows', rows, ROWS),
    withinMs: within === undefined ? USUAL_MS : timeSpan('--within', within, DAY_MS),
  };
}
