import { compilePlan } from '../../src/release/core/compile/compile.ts';
import type { PlanInput } from '../../src/release/core/compile/input.ts';
import type { Plan } from '../../src/release/index.ts';
import { aDefinition } from './definition.ts';

/** Planner input for shop 1.1.0 over 1.0.0 in slot blue, no migration pending; tests override what they are about. */
export function aPlanInput(overrides: Partial<PlanInput> = {}): PlanInput {
  const definition = overrides.definition ?? aDefinition();
  return {
    release: '01new',
    kind: 'release',
    version: '1.1.0',
    gitSha: 'f'.repeat(40),
    gitRef: 'main',
    requestedBy: 'ann',
    node: 'host:/state',
    workspace: '/src',
    definition,
    configSha256: 'c'.repeat(64),
    previous: {
      version: '1.0.0',
      release: '01old',
      group: 'shop/dev/blue',
      artifact: 'artifacts/shop/1.0.0',
      artifactDigest: 'a'.repeat(64),
      definition,
    },
    target: null,
    migrations: [],
    backupMethod: 'pg_dump',
    backupNeedsQuiet: false,
    databaseUrl: '${env:DATABASE_URL}',
    skips: {},
    findings: [],
    ...overrides,
  };
}

/** A compiled plan, see {@link aPlanInput}. */
export function aPlan(overrides: Partial<PlanInput> = {}): Plan {
  return compilePlan(aPlanInput(overrides));
}

/** One pending migration of a class. */
export function aMigration(rollbackClass: 'app' | 'reversible' | 'restore' | 'forward-fix'): NonNullable<PlanInput['migrations']>[number] {
  return { name: '20260101000000_change', sha256: 'd'.repeat(64), rollbackClass, because: 'test' };
}
