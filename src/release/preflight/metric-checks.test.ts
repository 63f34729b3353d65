import { expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aPlan } from '../../../test/support/plan.ts';
import type { FactDefinition, FactName, JudgePolicy } from '../../analysis/index.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDeps } from '../steps/deps.ts';
import { checkMetrics } from './metric-checks.ts';

const source = { from: 'command', argv: ['false'], env: {}, everyMs: 10_000, timeoutMs: 5_000 } as const;
const fact = (name: FactName): FactDefinition => ({ name: `documented.${name}`, fact: name, source });

function plan(policy: JudgePolicy, facts: readonly FactDefinition[], name: 'canary' | 'blue-green' = 'canary'): Plan {
  const canary = { checkpoints: [], everyMs: 500, policy, facts };
  const definition = { ...aDefinition(), strategy: { name, because: 'a test', canary } };
  const made = aPlan({ definition: aDefinition() });
  return { ...made, definition, strategy: { ...made.strategy, name } };
}

it('says before a release which facts the documented rules lack, and blocks nothing', async () => {
  const nobody = {} as StepDeps;
  const policy: JudgePolicy = { kind: 'documented', custom: {}, without: ['breakers'] };
  expect(await checkMetrics(nobody, plan(policy, [fact('cpu')]))).toMatchObject({
    verdict: 'unknown',
    blocks: false,
    reason: 'the judge documented is not told strategy.documented.memory, strategy.documented.memory-of-limit',
  });
  expect(await checkMetrics(nobody, plan(policy, [fact('cpu')], 'blue-green'))).toMatchObject({ verdict: 'pass' });
  const threshold: JudgePolicy = { kind: 'threshold', metrics: [] };
  expect(await checkMetrics(nobody, plan(threshold, []))).toMatchObject({ verdict: 'pass', reason: 'only the router is asked' });
});
