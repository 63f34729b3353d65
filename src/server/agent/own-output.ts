import { copyFileSync, fstatSync, ftruncateSync, renameSync, statSync } from 'node:fs';

const MAX_BYTES = 10 * 1024 * 1024;
const STDOUT = 1;

/**
 * Writes to standard output. Where that is the log file `file`, which our starter opened for appending, the file is kept
 * bounded: when it is full its content moves to `file.1`. By copy and truncation, because what a crash prints must go to the
 * same place and nobody can give a running process another standard output. Only the process that writes may do this: a
 * line written by another between copy and truncation would be lost.
 */
export function ownOutput(file: string, maxBytes = MAX_BYTES): (text: string) => void {
  const write = (text: string): void => void process.stdout.write(text);
  if (!isOutput(file)) return write;
  return (text) => {
    if (fstatSync(STDOUT).size + Buffer.byteLength(text) > maxBytes) moveContent(file);
    write(text);
  };
}

function isOutput(file: string): boolean {
  const named = statSync(file, { throwIfNoEntry: false });
  const output = fstatSync(STDOUT);
  return named !== undefined && output.isFile() && named.ino === output.ino && named.dev === output.dev;
}

function moveContent(file: string): void {
  try {
    // Beside it first: a crash in the middle of the copy must not cost the older part.
    copyFileSync(file, `${file}.1.new`);
    renameSync(`${file}.1.new`, `${file}.1`);
    ftruncateSync(STDOUT);
  } catch {
    // No room for the copy, or the folder is gone: a log too long is better than one with a hole, and the next line tries again.
  }
}
