import { newFlag } from '../../src/flags/index.ts';
import { createFaults, systemClock } from '../../src/kernel/index.ts';
import { openStore } from '../../src/store/index.ts';
import { keepCompiled } from '../support/child.ts';
import { LEASE } from './support.ts';

/** Commits one change after the other, two flags and a segment each, and says a line for each that was acknowledged. */
keepCompiled();
const environment = process.env['TEST_ENVIRONMENT'] ?? '';
const faults = createFaults(process.env);
const opened = await openStore({
  home: '/nowhere',
  url: process.env['TEST_URL'],
  node: 'here:child',
  clock: systemClock,
  lease: LEASE,
  faults,
});

const flag = (salt: string) => ({
  ...newFlag(
    'release_a',
    {
      type: 'ops',
      owner: 'x',
      valueType: 'boolean',
      variants: {},
      off: null,
      serve: null,
      expiresAt: null,
      name: '',
      description: '',
      tags: [],
    },
    0,
  ),
  salt,
});

for (let n = 0; ; n++) {
  const { flagRevisions, segmentRevisions } = await opened.flags.read(environment);
  const writes = [
    ...['release_a', 'release_b'].map(
      (key) => ({ kind: 'flag', key, revision: flagRevisions.get(key) ?? null, after: flag(`${process.pid} ${n}`) }) as const,
    ),
    {
      kind: 'segment',
      key: 's',
      revision: segmentRevisions.get('s') ?? null,
      after: { description: String(n), when: { all: [] } },
    } as const,
  ];
  try {
    await opened.flags.commit({ environment, actor: 'child', reason: '', action: 'change', acknowledge: false, writes });
    process.stdout.write(`${n}\n`);
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'flag_conflict') throw error;
  }
}
