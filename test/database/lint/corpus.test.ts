import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { lintFiles, readSources } from '../../../src/database/index.ts';

/** Real histories, beside the repository and not part of it. */
const ROOT = new URL('../../../../shared/corpus/', import.meta.url);
const there = existsSync(ROOT);
if (!there) process.stderr.write('lint: ../shared/corpus is not there, its histories are skipped\n');

const HISTORIES = [
  ['concourse/atc/db/migration/migrations', 'sql', 299],
  ['hatchet/cmd/hatchet-migrate/migrate/migrations', 'goose', 224],
  ['langfuse/packages/shared/prisma/migrations', 'prisma', 434],
  ['supabase-auth/migrations', 'sql', 70],
] as const;

const DEFINES = new Map([['index .Options "Namespace"', 'auth']]);

async function judgeHistory(folder: string) {
  const { format, files } = await readSources(fileURLToPath(new URL(folder, ROOT)), null, DEFINES);
  return { format, linted: await lintFiles({ files, options: { version: 15, utc: null, sizes: new Map() }, limited: false }) };
}

describe.skipIf(!there)('real histories', () => {
  test('are recognised, judged to the end, and not drowned in errors', async () => {
    const all = [];
    const blocked = [];
    for (const [folder, expected, count] of HISTORIES) {
      const { format, linted } = await judgeHistory(folder);
      expect({ format, files: new Set(linted.map(({ name }) => name)).size }).toEqual({ format: expected, files: count });
      all.push(...linted);
      const forward = linted.filter(({ direction }) => direction === 'up');
      blocked.push({ folder, share: forward.filter(({ verdict }) => verdict === 'fail').length / forward.length });
    }
    expect(blocked.filter(({ share }) => share >= 0.2)).toEqual([]);
    // Those that put together what they run: mostly names of partitions. Nothing else of them is unclear.
    const unknown = all.filter(({ verdict }) => verdict === 'unknown');
    expect(unknown.length / all.length).toBeLessThan(0.02);
    expect(unknown.filter(({ findings }) => !findings.some(({ rule }) => rule === 'hidden-sql')).map(({ name }) => name)).toEqual([]);
    expect(all.filter(({ verdict, direction }) => direction === 'down' && verdict === 'fail')).toEqual([]);
  });
});
