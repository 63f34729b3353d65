import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceUnavailable } from '../src/index.ts';
import { getJson, tryService, urlOf } from './support.ts';

const ill = (): Promise<string> => Promise.reject(new Error('ECONNREFUSED'));
const well = (): Promise<string> => Promise.resolve('fresh');
const stale = (): string => 'stale';

describe('a circuit breaker', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function broken(options = {}) {
    const tried = tryService();
    const breaker = tried.service.breaker('payments', { minimum: 3, openMs: 1_000, timeoutMs: 100, ...options });
    for (let call = 0; call < 3; call += 1) expect(await breaker.run(ill, stale)).toBe('stale');
    return { ...tried, breaker };
  }

  it('opens when most calls fail, then fails fast: 503 with Retry-After, and the dependency is left alone', async () => {
    const { breaker } = await broken();
    const call = vi.fn(well);
    expect(breaker.state()).toBe('open');
    const error = await breaker.run(call).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceUnavailable);
    expect(error).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' }, message: 'payments is not available right now' });
    expect(call).not.toHaveBeenCalled();
  });

  it('answers with the fallback while it is open', async () => {
    const { breaker } = await broken();
    expect(await breaker.run(well, stale)).toBe('stale');
  });

  it('lets one call probe after a while, gives the others their fallback at once, and closes when the probe works', async () => {
    const { breaker } = await broken();
    vi.advanceTimersByTime(1_000);
    let answer = (_text: string): void => undefined;
    const probe = breaker.run(() => new Promise<string>((resolve) => void (answer = resolve)));
    expect(breaker.state()).toBe('half-open');
    const other = vi.fn(well);
    expect(await breaker.run(other, stale)).toBe('stale');
    expect(other).not.toHaveBeenCalled();
    answer('fresh');
    expect(await probe).toBe('fresh');
    expect(breaker.state()).toBe('closed');
    expect(await breaker.run(well, stale)).toBe('fresh');
  });

  it('opens again when the probe fails', async () => {
    const { breaker } = await broken();
    vi.advanceTimersByTime(1_000);
    await expect(breaker.run(ill)).rejects.toThrow('ECONNREFUSED');
    expect(breaker.state()).toBe('open');
    vi.advanceTimersByTime(999);
    await expect(breaker.run(well)).rejects.toThrow(ServiceUnavailable);
    vi.advanceTimersByTime(1);
    expect(await breaker.run(well)).toBe('fresh');
  });

  it('takes a call that hangs for a failure, and tells it to let go', async () => {
    const { service } = tryService();
    const breaker = service.breaker('search', { minimum: 1, timeoutMs: 100 });
    const signals: AbortSignal[] = [];
    const hanging = breaker.run((signal) => new Promise<string>(() => void signals.push(signal)));
    const thrown = hanging.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    expect(await thrown).toMatchObject({ message: 'search did not answer within 100 ms', statusCode: 503 });
    expect(signals[0]?.aborted).toBe(true);
    expect(breaker.state()).toBe('open');
  });

  it('stays closed for answers that say the dependency is well, and does not hide them behind the fallback', async () => {
    const { service } = tryService();
    const notFound = new Error('404');
    const breaker = service.breaker('catalog', { minimum: 1, isFailure: (error) => error !== notFound });
    for (let call = 0; call < 10; call += 1) await expect(breaker.run(() => Promise.reject(notFound), stale)).rejects.toBe(notFound);
    expect(breaker.state()).toBe('closed');
  });

  it('stays closed below its share of failures', async () => {
    const { service } = tryService();
    const breaker = service.breaker('catalog', { minimum: 2 });
    for (let call = 0; call < 20; call += 1) await breaker.run(call % 2 === 0 ? well : ill, stale);
    expect(breaker.state()).toBe('closed');
  });

  it('needs a name of its own', () => {
    const { service } = tryService();
    service.breaker('payments');
    expect(() => service.breaker('payments')).toThrow('"payments" already');
  });

  it('shows its state and what became of the calls in the metrics', async () => {
    const { service, breaker } = await broken();
    await breaker.run(well, stale);
    const text = await service.metrics.registry.metrics();
    expect(text).toContain('circuit_breaker_state{breaker="payments",state="open",version="1.2.3"} 1');
    expect(text).toContain('circuit_breaker_state{breaker="payments",state="closed",version="1.2.3"} 0');
    expect(text).toContain('circuit_breaker_calls_total{breaker="payments",outcome="failure",version="1.2.3"} 3');
    expect(text).toContain('circuit_breaker_calls_total{breaker="payments",outcome="rejected",version="1.2.3"} 1');
    expect(text).toContain('circuit_breaker_calls_total{breaker="payments",outcome="fallback",version="1.2.3"} 4');
  });
});

describe('a service with an open breaker', () => {
  it('is degraded, still gets traffic, and says which breaker it is', async () => {
    const { service } = tryService();
    const breaker = service.breaker('payments', { minimum: 1 });
    const server = await service.listen(async (_request, response) => response.end(await breaker.run(ill, stale)), { port: 0 });
    expect(await (await fetch(urlOf(server))).text()).toBe('stale');
    expect(await getJson(`${urlOf(server)}/health/ready`)).toEqual({
      status: 200,
      body: { status: 'degraded', reason: 'degraded: breaker payments' },
    });
    expect((await getJson(`${urlOf(server)}/health`)).body).toMatchObject({ breakers: { payments: 'open' } });
    expect((await getJson(`${urlOf(server)}/health/live`)).body).toEqual({ status: 'ok' });
    await service.shutdown();
  });
});

describe('a pool', () => {
  it('runs so many at once, lets so many wait in order, turns the next away at once', async () => {
    const { service } = tryService();
    const pool = service.pool('database', { size: 2, queue: 1, waitMs: 5_000 });
    const ends: (() => void)[] = [];
    const order: number[] = [];
    const use = (id: number): Promise<void> =>
      pool.run(() => {
        order.push(id);
        return new Promise<void>((resolve) => void ends.push(resolve));
      });
    const first = use(1);
    const second = use(2);
    const third = use(3);
    await expect(use(4)).rejects.toMatchObject({ statusCode: 503, headers: { 'retry-after': '5' }, message: 'too busy (database)' });
    expect({ running: pool.running(), waiting: pool.waiting(), order }).toEqual({ running: 2, waiting: 1, order: [1, 2] });
    expect(await service.metrics.registry.metrics()).toContain('pool_waiting{pool="database",version="1.2.3"} 1');

    ends[0]?.();
    await first;
    await expect.poll(() => order).toEqual([1, 2, 3]);
    for (const end of ends) end();
    await Promise.all([second, third]);
    expect({ running: pool.running(), waiting: pool.waiting() }).toEqual({ running: 0, waiting: 0 });
    expect(await service.metrics.registry.metrics()).toContain('pool_rejected_total{pool="database",version="1.2.3"} 1');
  });

  it('does not let anybody wait for ever, and an impatient one leaves no hole', async () => {
    vi.useFakeTimers();
    try {
      const pool = tryService().service.pool('database', { size: 1, queue: 1, waitMs: 100 });
      let end = (): void => undefined;
      const first = pool.run(() => new Promise<void>((resolve) => void (end = resolve)));
      const waiting = pool.run(() => 'late').catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(100);
      expect(await waiting).toBeInstanceOf(ServiceUnavailable);
      expect(pool.waiting()).toBe(0);
      end();
      await first;
      expect(await pool.run(() => 'next')).toBe('next');
      expect(pool.running()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('gets its place back from work that throws', async () => {
    const pool = tryService().service.pool('database', { size: 1, queue: 0 });
    for (let call = 0; call < 3; call += 1) await expect(pool.run(ill)).rejects.toThrow('ECONNREFUSED');
    await expect(
      pool.run(() => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
    expect(pool.running()).toBe(0);
  });

  it.each([
    [{ size: 0 }, /size of pool/],
    [{ size: 1.5 }, /size of pool/],
    [{ size: 1, queue: -1 }, /queue of pool/],
  ])('refuses %o', (options, message) => {
    expect(() => tryService().service.pool('x', options)).toThrow(message);
  });

  it('that is exhausted answers users with 503 and Retry-After, recovers, and the process stays alive and ready throughout', async () => {
    const { service } = tryService();
    const pool = service.pool('database', { size: 1, queue: 0 });
    let end = (): void => undefined;
    const server = await service.listen(
      async (_request, response) =>
        response.end(await pool.run(() => new Promise<string>((resolve) => void (end = () => resolve('rows'))))),
      { port: 0 },
    );
    const first = fetch(urlOf(server));
    await expect.poll(() => pool.running()).toBe(1);
    const turnedAway = await fetch(urlOf(server));
    expect({ status: turnedAway.status, after: turnedAway.headers.get('retry-after') }).toEqual({ status: 503, after: '1' });
    expect((await getJson(`${urlOf(server)}/health/live`)).status).toBe(200);
    expect((await getJson(`${urlOf(server)}/health/ready`)).status).toBe(200);
    end();
    expect(await (await first).text()).toBe('rows');
    const again = fetch(urlOf(server));
    await expect.poll(() => pool.running()).toBe(1);
    end();
    expect((await again).status).toBe(200);
    await service.shutdown();
  });
});
