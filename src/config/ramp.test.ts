import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aDefinition } from '../../test/support/definition.ts';
import { gateOf } from '../release/index.ts';
import { loadRamp } from './ramp.ts';

let workspace: string;
beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'slipway-ramp-'));
  await mkdir(join(workspace, 'ramps'));
});
afterEach(() => rm(workspace, { recursive: true, force: true }));

async function load(text: string) {
  await writeFile(join(workspace, 'ramps', 'checkout.yaml'), text);
  return loadRamp(workspace, 'checkout');
}

const STEPS = 'flag: release_checkout\nsteps: [off, 1% for 24h, 100%]\n';
const METRIC = 'metrics:\n  payments: { from: otlp, requests: "payments{flag=\\"x\\"}", bad: bad }\n';

describe('a ramp in a file', () => {
  it('is judged by those who have the variant against those who do not, where it names metrics', async () => {
    const ramp = await load(`${STEPS}internal: staff\n${METRIC}`);
    expect(ramp).toMatchObject({
      flag: 'release_checkout',
      variant: 'on',
      internal: 'staff',
      steps: [{ kind: 'off' }, { share: 1_000, forMs: 86_400_000 }, { share: 100_000 }],
    });
    expect(gateOf(ramp, aDefinition())).toMatchObject({
      policy: { kind: 'sequential', metrics: [{ name: 'payments' }] },
      router: false,
      metrics: [{ about: 'variant' }],
    });
  });

  it('is judged by fixed limits, where it names them', async () => {
    const ramp = await load(`${STEPS}threshold:\n  - { metric: errors, failure: "> 2%", interval: 1m }\n`);
    expect(gateOf(ramp, aDefinition())).toMatchObject({
      policy: { kind: 'threshold', metrics: [{ of: 'errors' }] },
      router: true,
      metrics: [],
    });
  });

  it('is judged by the failed requests and the guards of the service, where it names nothing', async () => {
    const source = { from: 'otlp', ask: { kind: 'gauge', gauge: 'memory' }, everyMs: 10_000, timeoutMs: 5_000 } as const;
    const guards = [{ name: 'memory', above: 0.9, forMs: 0, source }];
    const gate = gateOf(await load(STEPS), aDefinition({ guards }));
    expect(gate).toMatchObject({
      router: true,
      policy: { metrics: [{ failureCondition: { is: '>', than: 0.01 }, failureLimit: 1 }] },
      guards: [{ name: 'memory', about: 'service' }],
    });
  });

  it('is refused where nothing would judge it', async () => {
    const ramp = await load(STEPS);
    expect(gateOf(ramp, aDefinition({ listen: null }))).toContain('nothing would judge it');
    const limits = await load(`${STEPS}threshold:\n  - { metric: logins, failure: "> 2%", interval: 1m }\n`);
    expect(gateOf(limits, aDefinition())).toBe('there is no metric "logins"');
  });

  it.each([
    ['steps that do not widen', 'flag: release_checkout\nsteps: [10%, 1%]\n', /no more than the step before it/],
    ['a step that is none', 'flag: release_checkout\nsteps: [sometimes]\n', /"sometimes" is no step/],
    ['a flag without its kind', 'flag: checkout\nsteps: [1%]\n', /must be the key of a flag/],
    ['limits that compare with nothing', `${STEPS}threshold: [{ metric: errors, interval: 1m }]\n`, /neither `success` nor `failure`/],
    ["somebody else's metric", `${STEPS}about: { payments: service }\n`, /there is no metric or guard "payments"/],
    ['the name of what the router counts', `${STEPS}${METRIC.replace('payments:', 'errors:')}`, /is what the router counts/],
  ])('refuses %s', async (_what, text, message) => {
    await expect(load(text)).rejects.toThrow(message);
  });
});
