import { applyMigrations, openAccess, type WantedHistory } from '../../src/database/index.ts';
import { createFaults, messageOf, SlipwayError } from '../../src/kernel/index.ts';
import { keepCompiled } from '../support/child.ts';
import { effects } from './support.ts';

// Run as a process of its own, it says a line for each thing that apply reports, and how it ended.
const [, , url = '', directory = '', history = 'slipway'] = process.argv;
keepCompiled();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
await applyMigrations({
  access: openAccess(url),
  directory,
  history: history as WantedHistory,
  release: 'r',
  fence: 1,
  lockTimeoutMs: 500,
  statementTimeoutMs: 20_000,
  effects: { ...effects, faults: createFaults(process.env) },
  onProgress: () => say('progress'),
}).then(
  ({ verdict }) => say(verdict),
  (error: unknown) => say(`refused ${error instanceof SlipwayError ? error.code : messageOf(error)}`),
);
