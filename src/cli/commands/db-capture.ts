import { join, resolve } from 'node:path';
import { captureQueries, writeQueries, type Captured } from '../../database/index.ts';
import { ERRORS, SlipwayError } from '../../kernel/index.ts';
import { recordTests, TESTS_FILE } from '../../release/index.ts';
import type { App } from '../compose.ts';
import { renderCaptured } from '../output/captured.ts';
import { configOf, refuseStrangeFolder, withApp } from './shared/app.ts';
import { declaredDatabase, namedDatabase } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { wholeNumber } from './shared/numbers.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Writes what a version asks of its database as a query set: from the server's statistics, or from the version's tests. */
export const run: Handler = async (call) => {
  const tests = flag(call, 'tests');
  refuseOdd(call, tests);
  await refuseStrangeFolder(call);
  const folder = await folderOf(call);
  return withApp(call, async (app) => {
    const { terminal } = call;
    const interrupt = onInterrupt();
    try {
      const captured = tests ? await fromTests(call, app, interrupt.signal) : await fromServer(call, app);
      const file = tests ? TESTS_FILE : 'captured.sql';
      const wrote = captured.queries.length > 0;
      if (wrote) await writeQueries(folder, file, { about: aboutOf(tests, call), queries: captured.queries });
      const document = { ...documentOf(captured), file: wrote ? join(folder, file) : null };
      if (terminal.json) terminal.data(document);
      else terminal.say(renderCaptured(document, terminal));
      return captured.verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      terminal.note('Interrupted. Its database is removed.');
      return INTERRUPTED;
    } finally {
      interrupt.release();
    }
  });
};

function refuseOdd(call: Call, tests: boolean): void {
  const odd = tests ? ['url', 'role', 'minimumCalls'] : ['server'];
  const given = odd.find((name) => text(call, name) !== undefined);
  if (given === undefined) return;
  const name = given === 'minimumCalls' ? 'minimum-calls' : given;
  throw new SlipwayError('usage', tests ? `--${name} does not go with --tests` : `--${name} goes with --tests`, {
    hint: 'slipway db capture --help says what belongs together.',
  });
}

async function folderOf(call: Call): Promise<string> {
  const given = text(call, 'to');
  if (given !== undefined) return resolve(call.directory, given);
  const { database } = (await configOf(call)).definition;
  if (database?.queries !== undefined) return join(call.directory, database.queries);
  throw new SlipwayError('config_invalid', 'slipway.yaml names no folder of queries, and none was given', {
    hint: 'Add `database.queries`, or name a folder: --to FOLDER.',
  });
}

async function fromServer(call: Call, app: App): Promise<Captured> {
  const access = namedDatabase(call, 'url') ?? (await declaredDatabase(app, (await configOf(call)).definition)).access;
  const calls = text(call, 'minimumCalls');
  return captureQueries(access, {
    role: text(call, 'role') ?? null,
    minimumCalls: calls === undefined ? 1 : wholeNumber('--minimum-calls', calls, [1, 1_000_000_000]),
  });
}

async function fromTests(call: Call, app: App, signal: AbortSignal): Promise<Captured> {
  const { definition } = await configOf(call);
  const recorded = await recordTests(app.deps, {
    id: app.effects.ids.release(app.effects.clock.now()),
    workspace: app.places.workspace,
    definition,
    server: namedDatabase(call, 'server') ?? (await app.deps.ownServer()),
    signal,
    onProgress: (line) => {
      if (!call.terminal.json) call.terminal.note(`${line} ...`);
    },
  });
  return { ...recorded, role: '', since: null };
}

function aboutOf(tests: boolean, call: Call): readonly string[] {
  const again = ['slipway db capture', ...(tests ? ['--tests'] : []), ...(text(call, 'to') === undefined ? [] : ['--to FOLDER'])].join(' ');
  return [
    `What ${tests ? 'the tests of this version' : 'the version in service'} asked of the database. Made by \`${again}\`; do not edit.`,
  ];
}

function documentOf({ verdict, reason, role, since, queries, leftOut }: Captured) {
  return {
    verdict,
    reason,
    role: role === '' ? null : role,
    since,
    statements: queries.length,
    writes: queries.filter((one) => one.writes).length,
    leftOut,
  };
}
