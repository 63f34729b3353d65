import { expect, it } from 'vitest';
import { startCounts } from '../src/client/counts.ts';
import { systemPlatform, type Platform } from '../src/client/platform.ts';

it('tells at the end also what was on its way when it ended', async () => {
  const told: unknown[] = [];
  const timers: (() => void)[] = [];
  const platform: Platform = {
    ...systemPlatform,
    after: (_ms, call) => (timers.push(call), () => undefined),
    fetch: (_url, { body, signal }) => {
      told.push(JSON.parse(String(body)));
      if (told.length > 1) return Promise.resolve(new Response(null, { status: 204 }));
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('cut'))));
    },
  };
  const counts = startCounts(platform, { url: 'http://127.0.0.1:9', token: 't', client: 'c', environment: null });
  counts.add('a', 'on');
  timers[0]?.();
  counts.add('a', 'on');
  await counts.stop(new AbortController().signal);
  expect(told).toMatchObject([{ counts: [{ count: 1 }] }, { counts: [{ flag: 'a', variant: 'on', count: 2 }] }]);
});
