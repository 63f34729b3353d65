import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SettingsError, readSettings, secret, secretsOf } from './settings.ts';

const DECLARATION = {
  DATABASE_URL: secret(z.url({ protocol: /^postgres$/ })),
  PORT: z.coerce.number().int().max(65_535).default(3_000),
  CURRENCY: z.enum(['EUR', 'USD']).optional(),
  REGION: z.coerce.string(),
};
const GOOD = { DATABASE_URL: 'postgres://shop:hunter2@db/shop', REGION: 'eu' };

function problemsOf(env: Record<string, string>, options: Parameters<typeof readSettings<typeof DECLARATION>>[1] = {}): readonly string[] {
  try {
    readSettings(DECLARATION, { ...options, env });
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems;
  }
}

describe('settings', () => {
  it('are read, converted and given their defaults', () => {
    const settings = readSettings(DECLARATION, { env: { ...GOOD, PORT: '8080', HOME: '/home/shop' } });
    expect(settings).toEqual({ ...GOOD, PORT: 8080 });
    expect(readSettings(DECLARATION, { env: GOOD }).PORT).toBe(3_000);
    expect(secretsOf(settings)).toEqual([GOOD.DATABASE_URL]);
  });

  it('that are missing are all named at once, also where a conversion would make a text of nothing', () => {
    expect(problemsOf({})).toEqual(['DATABASE_URL is missing', 'REGION is missing']);
  });

  it('that are misspelled are found, also when a default would hide it', () => {
    expect(problemsOf({ ...GOOD, PROT: '8080' })).toEqual([expect.stringContaining('PROT is set and unknown; is it PORT, misspelled?')]);
    expect(problemsOf({ DATABSE_URL: 'x', REGION: 'eu' })).toEqual([
      'DATABASE_URL is missing',
      expect.stringContaining('is it DATABASE_URL, misspelled?'),
    ]);
  });

  it('are not confused with a neighbour that is meant, and a prefix leaves no strangers', () => {
    expect(problemsOf({ ...GOOD, PROT: 'x' }, { ignore: ['PROT'] })).toEqual([]);
    expect(problemsOf({ ...GOOD, SHOP_COLOUR: 'red' }, { prefix: 'SHOP_' })).toEqual(['SHOP_COLOUR is set and unknown']);
    expect(problemsOf({ ...GOOD, PORT: '1', PORTS: '2' })).toEqual([]);
  });

  it('that are empty are not taken for a value', () => {
    expect(problemsOf({ DATABASE_URL: '', REGION: '  ', PORT: '' })).toEqual([
      'DATABASE_URL is empty; give it a value',
      'PORT is empty; give it a value or leave it out',
      'REGION is empty; give it a value',
    ]);
  });

  it('that are malformed are named with what was expected', () => {
    expect(problemsOf({ ...GOOD, PORT: 'http', CURRENCY: 'GBP' })).toEqual([
      expect.stringMatching(/^PORT is malformed: .*expected number/),
      expect.stringMatching(/^CURRENCY is malformed: .*"EUR"\|"USD"/),
    ]);
  });

  it('that do not go together are told by a rule, which is not asked about half-read settings', () => {
    const rules = [
      ({ CURRENCY, REGION }: { CURRENCY?: unknown; REGION: string }) =>
        CURRENCY === 'USD' && REGION === 'eu' ? 'USD is not sold in eu' : null,
    ];
    expect(problemsOf({ ...GOOD, CURRENCY: 'USD' }, { rules })).toEqual(['USD is not sold in eu']);
    expect(problemsOf({ ...GOOD, CURRENCY: 'EUR' }, { rules })).toEqual([]);
    expect(problemsOf({ ...GOOD, CURRENCY: 'USD', PORT: 'x' }, { rules })).not.toContain('USD is not sold in eu');
  });

  it('that are secret are never quoted, not even by a message of their own', () => {
    const chatty = secret(z.string().refine(() => false, { error: ({ input }) => `${String(input)} is not good` }));
    expect(() => readSettings({ API_KEY: chatty }, { env: { API_KEY: 'hunter2' } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
    expect(problemsOf({ ...GOOD, DATABASE_URL: 'mysql://hunter2' }).join()).not.toContain('hunter2');
  });
});

describe('loadSettings', () => {
  it('prints the list on standard error and exits with 78', () => {
    const program = `
      import { z } from 'zod';
      import { loadSettings, secret } from ${JSON.stringify(path.join(import.meta.dirname, 'settings.ts'))};
      loadSettings({ API_KEY: secret(z.string().min(16)), WORKERS: z.coerce.number() });
      console.log('not reached');`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], API_KEY: 'hunter2' },
    });
    expect(stderr).toBe(
      '2 settings are wrong:\n  - API_KEY is malformed (it is secret, so nothing more is said)\n  - WORKERS is missing\n',
    );
    expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
  });
});
