import { resolve } from 'node:path';
import { DEMO_FAULTS, runDemo } from '../demo/demo.ts';
import { flag, text, type Handler } from './spec.ts';

/** Releases the example shop twice: once well, once broken and back. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const fault = DEMO_FAULTS.find((name) => name === text(call, 'fault')) ?? DEMO_FAULTS[0];
  const folder = text(call, 'folder');
  await runDemo({ fault, keep: flag(call, 'keep'), folder: folder === undefined ? null : resolve(folder), terminal });
  return 0;
};
