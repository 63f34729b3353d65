/**
 * A keeper: holds one instance, like containerd's shim. It lives in a session of its own, so the supervisor may die or
 * be upgraded without hurting the instance, and the exit code is written down even when nobody watches.
 * SIGTERM asks it to end the instance: SIGTERM to the process group, the grace period, SIGKILL.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { groupAlive, stopGroup, whyNotFound } from '../../kernel/index.ts';
import { createKeeperLog } from './keeper-log.ts';
import { processRef, writeRecord, type KeeperRequest, type RunExit } from './keeper-record.ts';

/** After the instance's exit its last output may still be in the pipe. */
const OUTPUT_MS = 1_000;

let onStop = (): void => process.exit(0);
process.on('SIGTERM', () => onStop());
// A terminal's Ctrl-C and hang-up are for the CLI.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);

async function keep(request: KeeperRequest): Promise<void> {
  const log = createKeeperLog(request.logFile, request.secrets);
  const [command = '', ...args] = request.argv;
  const child = spawn(command, args, { cwd: request.cwd, env: { ...request.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
    const reason = whyNotFound(command, error.code) ?? `"${command}" could not be started: ${error.message}`;
    log.note(reason);
    return end(request, { code: null, signal: null, at: Date.now(), reason });
  }
  // Ahead of all it prints: what belongs to this run is what follows.
  log.note(`${request.record.process}-${request.record.index} run ${request.record.run} started as process ${pid}`);
  child.stdout.on('data', log.input());
  child.stderr.on('data', log.input());
  const closed = once(child, 'close');
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;

  const stopping: Promise<boolean>[] = [];
  onStop = () => {
    if (stopping.length === 0) stopping.push(stopGroup(pid, request.record.graceMs));
  };
  const record = { ...request.record, child: processRef(pid) };
  // An instance nobody could find again must not run.
  await writeRecord(request.recordFile, record).catch(async (error: unknown) => {
    await stopGroup(pid, request.record.graceMs);
    throw error;
  });

  const [code, signal] = await exited;
  const askedToEnd = stopping.length > 0;
  // Whatever it left in its group has lost its parent; a restart must not meet it.
  if (groupAlive(pid)) onStop();
  await Promise.all(stopping);
  await Promise.race([closed, delay(OUTPUT_MS)]);
  log.note(`process ${pid} ended with ${signal ?? `code ${code ?? 'unknown'}`}`);
  const { graceMs } = request.record;
  const reason = askedToEnd && signal === 'SIGKILL' ? `it did not end within ${graceMs} ms of SIGTERM and was killed` : null;
  if (reason !== null) log.note(reason);
  log.finish();
  await end({ ...request, record }, { code, signal, at: Date.now(), reason });
}

async function end(request: KeeperRequest, exit: RunExit): Promise<void> {
  await writeRecord(request.recordFile, { ...request.record, exit });
  process.exit(0);
}

const input = await text(process.stdin);
// The supervisor died before it had sent everything: nothing was started, nothing is to be kept.
if (!input.endsWith('\n')) process.exit(0);
await keep(JSON.parse(input) as KeeperRequest);
