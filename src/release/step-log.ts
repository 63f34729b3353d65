import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createLogSink, type Redactor } from '../kernel/index.ts';
import type { StepLog } from './core/events.ts';

/** The raw log of one try of one step. */
export interface OpenStepLog {
  readonly note: (line: string) => void;
  /** Where a command's own output goes until {@link OpenStepLog.take} appends it. */
  readonly commandLog: string;
  /** Appends the finished command's output (already redacted by its guard) and removes the file. */
  take(): Promise<void>;
  finish(): StepLog;
}

/** Folder of a release's raw logs. */
export function stepLogFolder(home: string, release: string): string {
  return join(home, 'releases', release, 'steps');
}

/** Opens the log `NN-step-attempt.log`; `order` is the number of tries before it in this release. */
export async function openStepLog(folder: string, order: number, name: string, redact: Redactor): Promise<OpenStepLog> {
  const file = `${String(order + 1).padStart(2, '0')}-${name}.log`;
  const path = join(folder, file);
  const commandLog = `${path}.command`;
  await mkdir(dirname(path), { recursive: true });
  const sink = createLogSink({ file: path, redact });
  return {
    note: sink.note,
    commandLog,
    take: async () => {
      const write = sink.input();
      for await (const chunk of createReadStream(commandLog)) write(chunk as Buffer);
      await rm(commandLog);
    },
    finish: () => {
      const { sha256, bytes } = sink.finish();
      return { name: file, sha256, bytes };
    },
  };
}
