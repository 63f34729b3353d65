import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createService, currentContext, traceHeaders } from '../src/index.ts';
import { tryService, urlOf } from './support.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('logs', () => {
  it('carry the ids of the request they belong to, however late and deep', async () => {
    const { service, lines } = tryService();
    const server = await service.listen(
      async (_request, response) => {
        await new Promise((resolve) => void setTimeout(resolve, 5));
        service.log.info('deep');
        response.end(JSON.stringify({ headers: traceHeaders(), context: currentContext() }));
      },
      { port: 0 },
    );
    const ask = (headers: Record<string, string>): Promise<Response> => fetch(urlOf(server), { headers });
    const [mine, other] = await Promise.all([
      ask({ traceparent: `00-${ID}-00f067aa0ba902b7-01`, tracestate: 'vendor=1', 'x-correlation-id': 'order-7' }),
      ask({ traceparent: 'nonsense', 'x-correlation-id': 'two words\tand more' }),
    ]);
    const { headers, context } = (await mine.json()) as { headers: Record<string, string>; context: Record<string, string> };
    expect(context).toMatchObject({ traceId: ID, parentSpanId: '00f067aa0ba902b7', flags: '01', correlationId: 'order-7' });
    expect(headers).toEqual({ traceparent: `00-${ID}-${context['spanId']}-01`, tracestate: 'vendor=1', 'x-correlation-id': 'order-7' });
    expect(mine.headers.get('x-correlation-id')).toBe('order-7');
    expect(other.headers.get('x-correlation-id')).toMatch(/^[0-9a-f]{32}$/);

    const deep = lines.filter(({ msg }) => msg === 'deep');
    expect(new Set(deep.map((line) => line['correlation_id']))).toEqual(new Set([other.headers.get('x-correlation-id'), 'order-7']));
    expect(deep).toContainEqual(
      expect.objectContaining({
        level: 'info',
        service: 'shop',
        version: '1.2.3',
        trace_id: ID,
        span_id: context['spanId'],
        trace_flags: '01',
      }),
    );
    await service.shutdown();
  });

  it('hold no secret: neither by key nor by value, in fields, children, errors or text', () => {
    let output = '';
    const { log } = createService({
      name: 'shop',
      version: '1.0.0',
      signals: false,
      processMetrics: false,
      secrets: ['hunter2-value'],
      log: { destination: { write: (line) => void (output += line) } },
    });
    log.info({ user: { password: 'by-key-1' }, list: [{ apiKey: 'by-key-2' }] }, 'login with hunter2-value');
    log.child({ deeper: true }).child({ authorization: 'by-key-3', at: 'hunter2-value' }).warn('child');
    log.error({ err: Object.assign(new Error('cannot use hunter2-value'), { token: 'by-key-4' }) });
    log.error(new Error('plain hunter2-value', { cause: new Error('postgres://shop:by-url@db') }));
    expect(output).not.toMatch(/by-key|hunter2-value|by-url/);
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatchObject({ err: { message: 'cannot use [redacted]', stack: expect.stringContaining('observability') } });
    expect(lines[3]).toMatchObject({
      err: { type: 'Error', message: expect.stringContaining('plain [redacted]') },
      time: expect.any(String),
    });
  });
});

describe('metrics', () => {
  it('count rate, errors and duration by version, method, route and status; unknown paths and methods make no series', async () => {
    const { service } = tryService();
    const server = await service.listen(
      (request, response) => {
        if (request.url?.startsWith('/orders/') === true) service.route('/orders/:id');
        if (request.url === '/orders/boom') throw new Error('boom');
        response.end('ok');
      },
      { port: 0 },
    );
    for (const path of ['/orders/1', '/orders/2', '/wp-admin.php', '/.env', '/orders/boom']) await fetch(`${urlOf(server)}${path}`);
    await fetch(`${urlOf(server)}/orders/1`, { method: 'PROPFIND' });
    await fetch(`${urlOf(server)}/health/ready`);
    await expect.poll(async () => (await fetch(`${urlOf(server)}/metrics`)).text()).toContain('method="OTHER"');
    const response = await fetch(`${urlOf(server)}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const counted = text.split('\n').filter((line) => line.startsWith('http_requests_total'));
    expect(counted.toSorted()).toEqual([
      'http_requests_total{method="GET",route="/orders/:id",status="200",version="1.2.3"} 2',
      'http_requests_total{method="GET",route="/orders/:id",status="500",version="1.2.3"} 1',
      'http_requests_total{method="GET",route="unmatched",status="200",version="1.2.3"} 2',
      'http_requests_total{method="OTHER",route="/orders/:id",status="200",version="1.2.3"} 1',
    ]);
    expect(text).toContain(
      'http_request_duration_seconds_bucket{le="0.005",version="1.2.3",method="GET",route="/orders/:id",status="200"}',
    );
    expect(text).toContain('http_requests_in_flight{version="1.2.3"} 0');
    await service.shutdown();
  });

  it('show a fallback at zero before the first one', async () => {
    const { service } = tryService();
    expect(await service.metrics.registry.metrics()).not.toContain('read_fallback_total');
    const fell = service.fallback('customer-name');
    expect(await service.metrics.registry.metrics()).toContain('read_fallback_total{shape="customer-name",version="1.2.3"} 0');
    fell();
    service.fallback('customer-name')();
    expect(await service.metrics.registry.metrics()).toContain('read_fallback_total{shape="customer-name",version="1.2.3"} 2');
  });

  it('stay bounded when somebody puts something variable into the route', async () => {
    const { service } = tryService();
    for (let index = 0; index < 2_000; index += 1) {
      service.metrics.begin()({ method: 'GET', route: `/orders/${index}`, status: 200, seconds: 0.1 });
    }
    const text = await service.metrics.registry.metrics();
    expect(text.match(/^http_requests_total/gm)).toHaveLength(501);
    expect(text).toMatch(/route="unmatched".* 1500/);
  });

  it('count a client that left as neither our success nor our error', async () => {
    const { service } = tryService();
    let arrived = (): void => undefined;
    const waiting = new Promise<void>((resolve) => void (arrived = resolve));
    const server = await service.listen(() => arrived(), { port: 0 });
    const controller = new AbortController();
    const left = fetch(urlOf(server), { signal: controller.signal }).catch(() => 'left');
    await waiting;
    controller.abort();
    expect(await left).toBe('left');
    await expect.poll(() => service.metrics.registry.metrics()).toContain('status="499"');
    await service.shutdown();
  });

  it('tell memory and event loop too, unless asked not to', async () => {
    const { service } = tryService({ processMetrics: true });
    const text = await service.metrics.registry.metrics();
    const valueOf = (name: string): number => Number(new RegExp(`^${name}{version="1.2.3"} (.+)$`, 'm').exec(text)?.[1]);
    expect(valueOf('process_resident_memory_bytes')).toBeGreaterThan(0);
    expect(valueOf('process_memory_limit_bytes')).toBeGreaterThan(valueOf('process_resident_memory_bytes'));
    expect(valueOf('process_memory_limit_bytes')).toBeLessThanOrEqual(totalmem());
  });
});
