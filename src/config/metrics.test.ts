import { describe, expect, it } from 'vitest';
import { parseConfig } from './parse.ts';

const SERVICE = 'service: shop\nlisten: 8080\nrun: node server.js\n';
const parse = (yaml: string, environment?: string) => parseConfig(SERVICE + yaml, { file: 'slipway.yaml', environment });
const PAYMENTS = `metrics:
  payments:
    from: prometheus
    url: \${env:PROMETHEUS_URL}
    requests: 'sum(payments_total{version="{{version}}"})'
    bad: 'sum(payments_total{version="{{version}}",result="failed"}) or vector(0)'
    margin: 1.2
    limit: 2%
`;

describe('metrics and guards', () => {
  it('join the policy of a canary, after what the router counts', () => {
    const { strategy, metrics } = parse(`${PAYMENTS}strategy: { name: canary, because: test }\n`);
    expect(metrics).toMatchObject([
      { name: 'payments', slowerThan: null, source: { from: 'prometheus', everyMs: 10_000, timeoutMs: 5_000, ask: { kind: 'counts' } } },
    ]);
    expect(strategy.canary?.policy).toMatchObject({
      metrics: [{ name: 'errors' }, { name: 'latency' }, { name: 'payments', margin: 1.2, limit: 0.02, clean: 0.001, leastBad: 5 }],
    });
  });

  it('take a histogram, a command and a gauge', () => {
    const { metrics, guards } = parse(`metrics:
  checkout: { from: otlp, histogram: http.server.request.duration, slower-than: 0.5 }
  logins: { from: command, run: node counts.js, every: 2s }
guards:
  memory: { from: otlp, gauge: process.memory.usage, above: 900000000, for: 3m }
`);
    expect(metrics).toMatchObject([
      { name: 'checkout', slowerThan: 0.5, policy: { name: 'checkout', clean: 0.02, leastBad: 20 } },
      { name: 'logins', source: { from: 'command', argv: ['node', 'counts.js'], everyMs: 2_000 } },
    ]);
    expect(guards).toMatchObject([
      { name: 'memory', above: 900_000_000, forMs: 180_000, source: { from: 'otlp', ask: { kind: 'gauge' } } },
    ]);
  });

  it('can differ by environment, and be removed there', () => {
    const text = `${PAYMENTS}environments:\n  dev: { metrics: { payments: null } }\n  prd: { metrics: { payments: { margin: 3 } } }\n`;
    expect(parse(text, 'dev').metrics).toBeUndefined();
    expect(parse(text, 'prd').metrics?.[0]?.policy.margin).toBe(3);
  });

  it.each([
    [
      'a threshold in words',
      'guards:\n  memory: { from: otlp, gauge: x, above: watch it }\n',
      /guards\.memory\.above\n  must be a number, not "watch it"/,
    ],
    ['no threshold', 'guards:\n  memory: { from: otlp, gauge: x }\n', /"above" is missing/],
    ['a margin in words', PAYMENTS.replace('margin: 1.2', 'margin: watch it'), /must be a number, not "watch it"/],
    ['an unknown source', 'metrics:\n  a: { from: datadog, requests: x, bad: y }\n', /must be prometheus, otlp or command, not "datadog"/],
    ['an unknown key', 'metrics:\n  a: { from: otlp, requets: x, bad: y }\n', /did you mean "requests"/],
    ['no URL', PAYMENTS.replace(/ +url:.*\n/, ''), /needs `url`/],
    ['credentials in the URL', PAYMENTS.replace('${env:PROMETHEUS_URL}', 'http://ann@prometheus:9090'), /must hold no credentials/],
    ['a password in the URL', PAYMENTS.replace('${env:PROMETHEUS_URL}', 'http://ann:hunter2@prometheus:9090'), /URL with a password/],
    ['another protocol', PAYMENTS.replace('${env:PROMETHEUS_URL}', 'ftp://prometheus'), /http\(s\) URL/],
    ['a literal token', PAYMENTS.replace('    url', '    token: abc\n    url'), /token/],
    ['no bad', 'metrics:\n  a: { from: otlp, requests: x }\n', /needs `bad`/],
    ['no query', 'metrics:\n  a: { from: otlp }\n', /needs `requests` and `bad`, or `histogram`/],
    ['a query that means no version', PAYMENTS.replaceAll('version="{{version}}"', 'app="shop"'), /does not say which version/],
    ['an unknown placeholder', PAYMENTS.replaceAll('{{version}}', '{{release}}'), /has no value here/],
    ['a placeholder outside a string', PAYMENTS.replaceAll('"{{version}}"', '{{version}}'), /outside a quoted label value/],
    ['PromQL for OTLP', 'metrics:\n  a: { from: otlp, requests: sum(x), bad: y }\n', /must be a metric name/],
    ['a URL for OTLP', 'metrics:\n  a: { from: otlp, url: "http://x", requests: x, bad: y }\n', /no meaning with `from: otlp`/],
    ['a command without a command', 'metrics:\n  a: { from: command }\n', /needs `run`/],
    ['a query for a command', 'metrics:\n  a: { from: command, run: x, requests: y }\n', /no meaning with `from: command`/],
    ['two kinds of counts', 'metrics:\n  a: { from: otlp, requests: x, bad: y, histogram: z }\n', /cannot stand beside/],
    ['slower-than without a histogram', 'metrics:\n  a: { from: otlp, requests: x, bad: y, slower-than: 1 }\n', /belongs to a `histogram`/],
    ['a pace no source keeps', 'metrics:\n  a: { from: otlp, requests: x, bad: y, every: 10ms }\n', /at least 1s/],
    ["a name of the router's", 'metrics:\n  errors: { from: otlp, requests: x, bad: y }\n', /choose another name/],
    [
      'a name twice',
      'metrics:\n  a: { from: otlp, requests: x, bad: y }\nguards:\n  a: { from: otlp, gauge: x, above: 1 }\n',
      /is a metric already/,
    ],
  ])('refuse %s', (_name, yaml, message) => expect(() => parse(yaml)).toThrow(message));
});
