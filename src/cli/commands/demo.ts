import { resolve } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { DEMO_FAULTS, runDemo } from '../demo/demo.ts';
import { runMigrationDemo } from '../demo/migration.ts';
import { wholeNumber } from './shared/numbers.ts';
import { flag, text, type Handler } from './spec.ts';

const ROWS = [1, 5_000_000] as const;
const USUAL_ROWS = 500_000;

/** Releases the example shop: good and bad versions of it, or a column that is split while users work. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const folder = text(call, 'folder');
  const stage = { keep: flag(call, 'keep'), folder: folder === undefined ? null : resolve(folder), terminal };
  const [fault, rows] = [text(call, 'fault'), text(call, 'rows')];
  if (!flag(call, 'migration')) {
    if (rows !== undefined) throw new SlipwayError('usage', '--rows is for the demo with --migration');
    return runDemo({ ...stage, fault: DEMO_FAULTS.find((name) => name === fault) ?? DEMO_FAULTS[0] });
  }
  if (fault !== undefined) throw new SlipwayError('usage', '--fault is for the demo without --migration');
  return runMigrationDemo({ ...stage, rows: rows === undefined ? USUAL_ROWS : wholeNumber('--rows', rows, ROWS) });
};
