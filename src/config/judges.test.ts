import { describe, expect, it } from 'vitest';
import { checkConfig, parseConfig } from './parse.ts';

const canary = (more: string): string =>
  `service: shop\nlisten: 8080\nrun: node server.js\nstrategy: { name: canary, because: a test, ${more} }\n`;
const policy = (more: string): unknown => parseConfig(canary(more), { file: 'slipway.yaml' }).strategy.canary?.policy;
const problems = (more: string): readonly string[] => {
  const checked = checkConfig(canary(more), { file: 'slipway.yaml', environment: undefined });
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path}: ${message}`);
};

describe('strategy.judge', () => {
  it('is sequential unless another one is chosen', () => {
    expect(policy('over: 1h')).toMatchObject({ kind: 'sequential' });
    expect(policy('judge: sequential, errors: { margin: 2 }')).toMatchObject({ kind: 'sequential', metrics: [{ margin: 2 }, {}] });
    expect(policy('judge: documented')).toEqual({ kind: 'documented', custom: {} });
  });

  it('documented is told where its facts come from, and what there is not', () => {
    const more =
      'judge: documented, documented: { cpu: { from: otlp, gauge: cpu, every: 5s }, memory-of-limit: none, breakers: { from: command, run: cat open.json } }';
    const { strategy } = parseConfig(canary(more), { file: 'slipway.yaml' });
    expect(strategy.canary?.policy).toEqual({ kind: 'documented', custom: {}, without: ['memory-of-limit'] });
    expect(strategy.canary?.facts).toMatchObject([
      { name: 'documented.cpu', fact: 'cpu', source: { from: 'otlp', ask: { kind: 'gauge', gauge: 'cpu' }, everyMs: 5_000 } },
      { name: 'documented.breakers', fact: 'breakers', source: { from: 'command', argv: ['cat', 'open.json'] } },
    ]);
  });

  it("threshold has Argo's defaults and comparisons in shares and milliseconds", () => {
    expect(
      policy(
        'judge: threshold, threshold: [{ success: ">= 95%", value: success, interval: 5m, failure-limit: 3 }, { value: p99, failure: "> 1.5s", dry-run: true }]',
      ),
    ).toEqual({
      kind: 'threshold',
      metrics: [
        {
          name: 'errors-success',
          of: 'errors',
          value: 'success',
          windowMs: 300_000,
          intervalMs: 300_000,
          initialDelayMs: 0,
          count: null,
          successCondition: { is: '>=', than: 0.95 },
          failureCondition: null,
          failureLimit: 3,
          inconclusiveLimit: 0,
          consecutiveErrorLimit: 4,
          consecutiveSuccessLimit: 0,
          dryRun: false,
        },
        expect.objectContaining({
          name: 'latency-p99',
          of: 'latency',
          failureCondition: { is: '>', than: 1_500 },
          intervalMs: null,
          dryRun: true,
        }),
      ],
    });
  });

  it("mann-whitney has Kayenta's defaults", () => {
    expect(policy('judge: mann-whitney, mann-whitney: { pass: 90 }')).toMatchObject({
      kind: 'mann-whitney',
      confidence: 0.98,
      tolerance: 0.25,
      pass: 90,
      marginal: 75,
      leastPoints: 50,
      metrics: [{ name: 'errors' }, { name: 'latency' }],
    });
  });

  it('judges declared metrics too, each judge in its way', () => {
    const metrics = 'metrics: { queue: { from: command, run: node depth.js, margin: 2 } }\n';
    const of = (judge: string): unknown => parseConfig(canary(judge) + metrics, { file: 'slipway.yaml' }).strategy.canary?.policy;
    expect(of('judge: documented')).toEqual({ kind: 'documented', custom: { queue: 2 } });
    expect(of('judge: mann-whitney')).toMatchObject({ metrics: [{ name: 'errors' }, { name: 'latency' }, { name: 'queue' }] });
    expect(of('judge: threshold, threshold: [{ metric: queue, failure: "> 5%" }]')).toMatchObject({ metrics: [{ of: 'queue' }] });
  });

  it('refuses a metric that is called as a rule of the judge is, where that judge is chosen', () => {
    const metrics = 'metrics: { cpu: { from: command, run: node cpu.js } }\n';
    expect(() => parseConfig(canary('judge: documented') + metrics, { file: 'slipway.yaml' })).toThrow(
      /"cpu" is a rule of the judge documented/,
    );
    expect(() => parseConfig(canary('judge: mann-whitney') + metrics, { file: 'slipway.yaml' })).not.toThrow();
  });

  it.each([
    ['judge: threshold, threshold: [{ metric: queue, failure: "> 5%" }]', 'there is no metric "queue"; known: errors, latency'],
    ['judge: argo', 'strategy.judge'],
    ['judge: threshold', 'is missing: say with which numbers'],
    ['judge: threshold, threshold: []', 'at least one metric'],
    ['judge: threshold, threshold: [{ metric: errors }]', 'neither `success` nor `failure`'],
    ['judge: threshold, threshold: [{ failure: "> 5%", dry-run: true }]', 'only dry runs'],
    ['judge: threshold, threshold: [{ failure: "> 5%" }, { failure: "> 6%" }]', '"errors-bad" is there twice'],
    ['judge: threshold, threshold: [{ failure: "result > 5 && process.exit()" }]', 'is not a comparison'],
    ['judge: threshold, threshold: [{ failure: "watch it" }]', 'is not a comparison'],
    ['judge: threshold, threshold: [{ failure: "> 500ms" }]', 'bad is no time'],
    ['judge: threshold, threshold: [{ value: p99, failure: "> 5%" }]', 'p99 is a time'],
    ['judge: threshold, threshold: [{ failure: "> 5%", failure-limit: -1 }]', 'failure-limit'],
    ['documented: { cpu: { from: otlp, gauge: x } }', 'has a meaning only with `judge: documented`'],
    ['judge: documented, documented: { cpus: { from: otlp, gauge: x } }', 'did you mean "cpu"?'],
    ['judge: documented, documented: { cpu: none }', 'strategy.documented.cpu: must be'],
    ['judge: documented, documented: { cpu: { from: otlp } }', 'needs `gauge`'],
    ['judge: documented, documented: { cpu: { from: otlp, gauge: x, above: 3 } }', '"above" is not a key here'],
    ['judge: documented, documented: { cpu: { from: prometheus, url: "http://x", gauge: sum(cpu) } }', 'does not say which version'],
    ['threshold: [{ failure: "> 5%" }]', 'has a meaning only with `judge: threshold`'],
    ['mann-whitney: { pass: 90 }', 'has a meaning only with `judge: mann-whitney`'],
    ['judge: mann-whitney, mann-whitney: { marginal: 96 }', 'must be below the score that passes'],
    ['judge: mann-whitney, mann-whitney: { interval: 10m }', 'too short for 50 points'],
    ['judge: mann-whitney, mann-whitney: { confidence: 98 }', 'confidence'],
  ])('refuses %s', (more, said) => expect(problems(more).join('\n')).toContain(said));
});
