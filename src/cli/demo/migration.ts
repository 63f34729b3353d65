import { formatDuration, SlipwayError } from '../../kernel/index.ts';
import { loadConfig } from '../../config/index.ts';
import type { DatabaseAccess } from '../../database/index.ts';
import { startCustomers, type CustomerUsers, type Filled } from './customers.ts';
import { checkNames, fillCustomers } from './fill.ts';
import { onStage, printSeen, verifyOne, type Stage, type StageOptions } from './stage.ts';
import { asked, typed } from './typed.ts';

export interface MigrationDemoOptions extends StageOptions {
  /** Customers whose name is split. */
  readonly rows: number;
}

/** Exit codes of `slipway release`, and of a gate. */
const RELEASED = 0;
const UNCHANGED = 10;
const BLOCKED = 6;

/**
 * The second demo: `customers.name` becomes `first_name` and `last_name` through expand, backfill, switch and contract, while users
 * read, add and rename customers and know what they must be answered. Every command is run as a user would type it.
 * @throws SlipwayError `release_failed` when a step does not end as it should, a user fails, or a name is wrong at the end
 */
export async function runMigrationDemo({ rows, ...options }: MigrationDemoOptions): Promise<number> {
  return onStage(options, async (stage) => {
    await commit(stage, '1.1.0', 'feat: prices and notes');
    await first(stage);
    const access = await databaseOf(stage);
    const filled = await fillCustomers(access, rows);
    stage.print(`${many(rows)} customers are put into the table. From here on users read, add and rename them, 50 times a second,`);
    stage.print('and know what they must be answered.');
    stage.print('');
    const users = startCustomers(stage.workspace.url, stage.app.effects.clock, filled);
    try {
      await migrate({ ...stage, users });
    } finally {
      await users.stop();
    }
    await conclude(stage, access, { filled, users });
  });
}

interface Play extends Stage {
  readonly users: CustomerUsers;
}

async function first(stage: Stage): Promise<void> {
  stage.print('=== 2.0.0: customers have one name');
  await commit(stage, '2.0.0', 'feat: customers');
  await expectExit(stage, RELEASED, 'release');
}

/** The four phases, and what happens to somebody who does not wait for them. */
async function migrate(play: Play): Promise<void> {
  const { print, workspace } = play;
  print('=== Expand, 2.1.0: two columns that may be empty; it writes both shapes of a name and reads the old one');
  await commit(play, '2.1.0', 'feat: write first and last names too');
  await expectExit(play, 0, 'db', 'plan');
  await release(play, RELEASED, '2.1.0');

  print('=== Backfill: the rows nobody has written since');
  await expectExit(play, 0, 'db', 'backfill', 'split-names', '--dry-run');
  await expectExit(play, 0, 'db', 'backfill', 'split-names');
  nobodyFailed(play, 'the backfill');

  print('=== Switch, 2.2.0: it reads the new shape, and still writes both for the way back; name may be left out from now on');
  await commit(play, '2.2.0', 'feat: read first and last names');
  await release(play, RELEASED, '2.2.0');
  await expectExit(play, 0, 'db', 'mismatch', 'customer-name', '--all');

  print('=== Too early, 2.3.0: it does not need name any more and drops it; but while it is released, 2.2.0 runs');
  await commit(play, '2.3.0', 'feat: no name any more');
  // The new version works on all of it, so it passes; the old one does not, and it says so.
  await expectExit(play, 0, 'db', 'prove');
  await release(play, UNCHANGED, '2.3.0');
  await workspace.revert();

  print('=== 2.4.0: the same without the drop');
  await commit(play, '2.4.0', 'feat: neither read nor write name');
  await release(play, RELEASED, '2.4.0');
  await expectExit(play, BLOCKED, 'db', 'contract', 'customer-name');

  print('=== Contract, 2.5.0: nobody needs name any more');
  await commit(play, '2.5.0', 'chore: drop name', ['backfills/split-names.yaml']);
  await windowOver(play);
  await expectExit(play, 0, 'db', 'plan');
  await release(play, RELEASED, '2.5.0');
}

const WINDOW_MOST_MS = 120_000;
const LOOK_EVERY_MS = 1_500;

/** Waits until everybody who could need the old column has been gone for the window that contracts/customer-name.yaml names. */
async function windowOver(play: Play): Promise<void> {
  const { clock } = play.app.effects;
  const since = clock.monotonic();
  while (!isFree(await asked(play, 'db', 'contract', 'customer-name'))) {
    if (clock.monotonic() - since > WINDOW_MOST_MS) throw new SlipwayError('release_failed', 'The column name is still needed by somebody');
    await clock.sleep(LOOK_EVERY_MS, play.signal);
  }
  play.print(
    `Nobody has needed the column for the window of the contract; that took ${formatDuration(Math.round(clock.monotonic() - since))}.`,
  );
  play.print('');
}

/** Does every check pass, but the one that the release itself answers by its proof? */
function isFree(document: unknown): boolean {
  const { contracts } = document as {
    readonly contracts: readonly { readonly checks: readonly { readonly name: string; readonly verdict: string }[] }[];
  };
  const checks = contracts.flatMap((one) => one.checks);
  return checks.length > 0 && checks.every(({ name, verdict }) => verdict === 'pass' || name === 'queries');
}

function commit({ workspace }: Stage, version: string, message: string, without: readonly string[] = []): Promise<void> {
  return workspace.commit(`versions/${version}`, message, without);
}

/** Releases what is committed; then nobody may have failed, and the pack must verify. */
async function release(play: Play, exit: number, version: string): Promise<void> {
  await expectExit(play, exit, 'release');
  const [last] = await play.app.opened.store.list({ limit: 1 });
  if (last?.version !== version)
    throw new SlipwayError('release_failed', `The last release is of ${last?.version ?? 'nothing'}, not of ${version}`);
  await verifyOne(play, last);
  nobodyFailed(play, `the release of ${version}`);
}

function nobodyFailed(play: Play, what: string): void {
  const failed = printSeen(play, play.users, `Users during ${what}`);
  play.print('');
  if (failed > 0) throw new SlipwayError('release_failed', `${failed} users failed during ${what}`);
}

async function expectExit(stage: Stage, expected: number, ...words: readonly string[]): Promise<void> {
  const exit = await typed(stage, ...words);
  if (exit === expected) return;
  throw new SlipwayError(
    'release_failed',
    `"slipway ${words.join(' ')}" should have ended with exit code ${expected} and ended with ${exit}`,
  );
}

async function databaseOf({ app, workspace }: Stage): Promise<DatabaseAccess> {
  const { definition } = await loadConfig(workspace.folder);
  const access = await app.deps.databaseFor(workspace.folder, definition);
  if (access === null) throw new Error('The shop has no database');
  return access;
}

async function conclude(
  { print }: Stage,
  access: DatabaseAccess,
  { filled, users }: { readonly filled: Filled; readonly users: CustomerUsers },
): Promise<void> {
  const { compared, byUsers, wrong } = await checkNames(access, filled, users.written);
  if (wrong.length > 0) throw new SlipwayError('release_failed', `The names are not as they must be: ${wrong.join('; ')}`);
  print(
    `=== The names: ${many(compared)} customers compared, ${many(byUsers)} of them written by users meanwhile, 0 wrong; the column name is gone`,
  );
  print('');
}

const many = (count: number): string => count.toLocaleString('en-US');
