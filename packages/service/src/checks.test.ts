import { expect, it } from 'vitest';
import { createChecks } from './checks.ts';

it('asks a dependency once at a time: probes that come while it is asked share the answer', async () => {
  const answers: (() => void)[] = [];
  const ask = createChecks({ database: { check: () => new Promise<void>((resolve) => void answers.push(resolve)), cacheMs: 0 } });
  const probes = [ask(), ask(), ask()];
  expect(answers).toHaveLength(1);
  answers[0]?.();
  expect(await Promise.all(probes)).toMatchObject(Array.from({ length: 3 }, () => ({ database: { status: 'ok' } })));
  const next = ask();
  expect(answers).toHaveLength(2);
  answers[1]?.();
  await next;
});
