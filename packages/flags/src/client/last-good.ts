import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, utimes, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Applied } from './intake.ts';
import type { LastGood, Saved } from './options.ts';

/** Beyond this the whole is asked for again, instead of growing the file by yet another change. */
const MOST_DELTAS = 200;
/** Times of the file say when something was heard last; more precisely is not worth a write. */
const TOUCH_MS = 10_000;

/**
 * The last-good file: the signed snapshot and the signed deltas after it, as they came, so that whoever reads it can verify them again.
 * First line: a header with a SHA-256 over the rest. Its time of change says when the client last heard that nothing is newer.
 * Written beside and renamed, so that a crash or a full disk leaves the one before.
 */
export function lastGoodFile(file: string): LastGood {
  let lines: string[] = [];
  let keys: readonly string[] = [];
  let written: Promise<void> = Promise.resolve();
  let waiting = false;
  let touchedAt = 0;

  const write = async (): Promise<void> => {
    waiting = false;
    const body = lines.map((line) => `${line}\n`).join('');
    const header = JSON.stringify({ format: 1, keys, sha256: createHash('sha256').update(body).digest('hex') });
    await replace(file, `${header}\n${body}`);
  };
  return {
    load: async () => {
      const saved = await load(file);
      // The server may go on from here with changes alone, which are nothing without what they follow.
      lines = [...(saved?.envelopes ?? [])];
      return saved;
    },
    applied: ({ envelope, document }: Applied, trusted) => {
      keys = trusted;
      lines = document.kind === 'snapshot' ? [envelope] : [...lines, envelope];
      // One write at a time; what comes meanwhile goes into the next one.
      if (waiting) return written;
      waiting = true;
      written = written.catch(() => undefined).then(write);
      return written;
    },
    isLong: () => lines.length > MOST_DELTAS,
    heard: (at) => {
      if (at - touchedAt < TOUCH_MS) return Promise.resolve();
      touchedAt = at;
      const touched = written.catch(() => undefined).then(() => utimes(file, at / 1_000, at / 1_000));
      written = touched;
      return touched;
    },
    settled: () => written.catch(() => undefined),
  };
}

async function replace(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(file), { recursive: true });
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** @throws Error when there is a file that is not as it was written */
async function load(file: string): Promise<Saved | null> {
  let text: string;
  let heardAt: number;
  try {
    text = await readFile(file, 'utf8');
    heardAt = (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  const header = headerOf(text.slice(0, end));
  if (header === null || header.sha256 !== createHash('sha256').update(body).digest('hex'))
    throw new Error(`${file} is not as it was written`);
  return { envelopes: body.split('\n').slice(0, -1), keys: header.keys, heardAt };
}

function headerOf(line: string): { readonly sha256: string; readonly keys: readonly string[] } | null {
  try {
    const header = JSON.parse(line) as { readonly format?: unknown; readonly sha256?: unknown; readonly keys?: unknown };
    const { format, sha256, keys } = header;
    const isKeys = Array.isArray(keys) && keys.every((key) => typeof key === 'string');
    return format === 1 && typeof sha256 === 'string' && isKeys ? { sha256, keys } : null;
  } catch {
    return null;
  }
}
