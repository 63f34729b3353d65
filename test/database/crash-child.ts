import { createFaults } from '../../src/kernel/index.ts';
import { keepCompiled } from '../support/child.ts';
import { effects } from './support.ts';
import { perform, type Work } from './work.ts';

keepCompiled();
process.stdout.write(
  JSON.stringify(await perform(JSON.parse(process.argv[2] ?? '') as Work, { ...effects, faults: createFaults(process.env) })),
);
