import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { createLineSplitter, createRedactor, renderBlock } from '../../kernel/index.ts';

const MAX_BYTES = 10 * 1024 * 1024;

/** An instance's log: appended over restarts, redacted, two files of at most about 10 MiB each. */
export interface KeeperLog {
  input(): (chunk: Buffer) => void;
  note(text: string): void;
  finish(): void;
}

/** A log that cannot be written (disk full) must not take the service down, so such errors lose lines, not the instance. */
export function createKeeperLog(file: string, secrets: readonly string[], maxBytes = MAX_BYTES): KeeperLog {
  const redact = createRedactor(secrets);
  const out = createRotatingFile(file, maxBytes);
  const splitters: { flush(): void }[] = [];
  const options = { blockBytes: 64 * 1024, longestSecret: 3 * Math.max(0, ...secrets.map((secret) => secret.length)) };
  return {
    input: () => {
      const splitter = createLineSplitter((block) => out.write(renderBlock(block, redact)), options);
      splitters.push(splitter);
      return (chunk) => splitter.push(chunk);
    },
    note: (text) => out.write(`[slipway] ${redact(text)}\n`),
    finish: () => {
      for (const splitter of splitters) splitter.flush();
      out.close();
    },
  };
}

function createRotatingFile(file: string, maxBytes: number) {
  let descriptor: number | null = null;
  let size = 0;
  const open = (): number => {
    descriptor = openSync(file, 'a', 0o600);
    size = fstatSync(descriptor).size;
    return descriptor;
  };
  const close = (): void => {
    if (descriptor !== null) closeSync(descriptor);
    descriptor = null;
  };
  return {
    close,
    write: (text: string): void => {
      try {
        const bytes = Buffer.from(text);
        let target = descriptor ?? open();
        if (size > 0 && size + bytes.length > maxBytes) {
          close();
          renameSync(file, `${file}.1`);
          target = open();
        }
        size += writeSync(target, bytes);
      } catch {
        // See above: the next line tries again.
      }
    },
  };
}
