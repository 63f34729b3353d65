import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import type { Definition, ProcessDefinition, SmokeCheck } from '../core/definition.ts';
import { onShadow } from './on-shadow.ts';

const REAL = '${env:DATABASE_URL}';
const SHADOW = '${env:SLIPWAY_SHADOW_URL}';

function withProcess(change: Partial<ProcessDefinition>, url = REAL): Definition {
  const definition = aDefinition();
  const { database, processes } = definition;
  return {
    ...definition,
    database: database === null ? null : { ...database, url },
    processes: processes.map((one) => ({ ...one, ...change })),
  };
}

describe('a version on a shadow database', () => {
  it('is given its URL wherever it was given the real one, and runs once', () => {
    const { processes } = onShadow(withProcess({ argv: ['node', 'server.js', `--db=${REAL}`], env: { OTHER: REAL, PORT_OF_MAIL: '25' } }));
    for (const { argv, env, instances } of processes) {
      expect(argv.at(-1)).toBe(`--db=${SHADOW}`);
      expect(env).toEqual({ OTHER: SHADOW, PORT_OF_MAIL: '25', DATABASE_URL: SHADOW, SLIPWAY_SHADOW: '1' });
      expect(instances).toBe(1);
    }
  });

  it('is given it even where its own settings name another database under that variable', () => {
    expect(onShadow(withProcess({ env: { DATABASE_URL: 'postgres://elsewhere/shop' } })).processes[0]?.env['DATABASE_URL']).toBe(SHADOW);
  });

  it('has its commands of the smoke turned there, too', () => {
    const command = { argv: ['check', REAL], timeoutMs: 1, env: {}, rerunnable: true };
    const check: SmokeCheck = { kind: 'command', name: 'c', command };
    const { smoke } = onShadow({ ...aDefinition(), smoke: { ...aDefinition().smoke, read: [check] } });
    expect(smoke.read).toMatchObject([{ command: { argv: ['check', SHADOW], env: { DATABASE_URL: SHADOW } } }]);
  });

  it.each([
    ['by what drivers look at', { env: { PGHOST: 'db' } }, REAL, 'PGHOST'],
    ['by a part of the URL', { env: { HOST: '${env:DB_HOST}' } }, 'postgres://app@${env:DB_HOST}/shop', 'DB_HOST'],
    ['by an argument', { argv: ['serve', '${env:DB_HOST}'] }, 'postgres://app@${env:DB_HOST}/shop', 'DB_HOST'],
  ] as const)('is refused when it would find the real one %s', (_how, change, url, way) => {
    expect(() => onShadow(withProcess(change, url))).toThrow(`would find the real database by ${way}`);
  });
});
