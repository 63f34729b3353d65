import { describe, expect, it } from 'vitest';
import type { BatchRecord } from '../../database/index.ts';
import { backfillMeter } from './backfill.ts';
import { createStyle } from './style.ts';
import type { Terminal } from './terminal.ts';

const RECORD: BatchRecord = { walk: 1, range: 0, rows: 100, tookMs: 5, outcome: 'done', scanned: 100, changed: 50, cursor: ['1'] };

/** What is seen of a table of 1,000 rows, a batch of 100 a second; each line that is drawn on a terminal begins by clearing the one before. */
function watch(live: boolean) {
  let now = 0;
  const seen: string[] = [];
  const terminal: Terminal = {
    ...{ live, width: 200, json: false, style: createStyle(false) },
    raw: (text: string) => void seen.push(text.replace('\r\u001B[K', '')),
    say: (text: string) => void seen.push(text),
  } as Terminal;
  const clock = { monotonic: () => now, now: () => 0 as never, sleep: async () => undefined };
  const meter = backfillMeter(terminal, { state: null, rows: 1_000 }, clock);
  return {
    seen,
    meter,
    batch: (more: Partial<BatchRecord> = {}) => meter.batch({ ...RECORD, ...more }),
    later: (ms: number) => void (now += ms),
  };
}

describe('the line of a running backfill', () => {
  it('tells how far it is, how fast, and when it is likely to end', () => {
    const { seen, batch, later } = watch(true);
    for (let n = 0; n < 4; n++) {
      later(1_000);
      batch();
    }
    expect(seen.at(-1)).toBe('████████░░░░░░░░░░░░ 40 %, 100 rows/s, about 6s left, 400 of about 1,000 rows, 200 changed');
  });

  it('tells why it waits, and begins anew with each walk', () => {
    const { seen, batch, later, meter } = watch(true);
    later(1_000);
    batch();
    later(1_000);
    meter.waits('a replica is behind');
    expect(seen.at(-1)).toBe('██░░░░░░░░░░░░░░░░░░ 10 %, waits: a replica is behind, 100 of about 1,000 rows, 50 changed');
    meter.waits(null);
    later(1_000);
    batch({ walk: 2 });
    expect(seen.at(-1)).toMatch(/ 10 % of walk 2, .* 100 of about 1,000 rows, 100 changed$/);
  });

  it('is a line now and then in a log', () => {
    const { seen, batch, later } = watch(false);
    for (let n = 0; n < 25; n++) {
      later(1_000);
      batch({ scanned: 10 });
    }
    expect(seen).toHaveLength(3);
    expect(seen[1]).toBe('11 %, 10 rows/s, about 1m29s left, 110 of about 1,000 rows, 550 changed');
  });
});
