import { describe, expect, test } from 'vitest';
import { recorded, render } from '../../../scripts/lock-table/render.ts';
import { measureVersion } from '../../../scripts/lock-table/version.ts';
import { readFileSync } from 'node:fs';
import { systemPostgres } from '../../support/postgres.ts';

const FILE = new URL('../../../src/database/core/lint/measured.ts', import.meta.url);

describe('what was measured is what PostgreSQL does', () => {
  test("on Slipway's own", async () => {
    expect(render(recorded(), [await measureVersion('embedded')])).toBe(readFileSync(FILE, 'utf8'));
  });

  test.skipIf(systemPostgres() === null)("on the system's", async () => {
    expect(render(recorded(), [await measureVersion('system')])).toBe(readFileSync(FILE, 'utf8'));
  });
});
