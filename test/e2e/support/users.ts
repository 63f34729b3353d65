import { Pool } from 'undici';
import { systemClock } from '../../../src/kernel/index.ts';

/** What users met, by the version that answered them. */
export interface Met {
  readonly requests: number;
  readonly failed: number;
}

/** Users who ask for `/` at a steady pace until told to stop, whatever they are answered. */
export interface Users {
  met(): Met;
  stop(): Promise<Met>;
}

/** Sends `perSecond` requests to a local port, each when it is due and not when the one before was answered. */
export function sendUsers(port: number, perSecond: number): Users {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 32 });
  let requests = 0;
  let failed = 0;
  const stopped = new AbortController();
  const ask = async (): Promise<void> => {
    requests++;
    try {
      const { statusCode, body } = await pool.request({ path: '/', method: 'GET' });
      await body.dump();
      if (statusCode >= 500) failed++;
    } catch {
      failed++;
    }
  };
  const running = (async () => {
    const begun = systemClock.monotonic();
    for (let sent = 0; !stopped.signal.aborted; sent++) {
      await systemClock.sleep(Math.max(0, begun + (sent * 1_000) / perSecond - systemClock.monotonic()));
      void ask();
    }
  })();
  const met = (): Met => ({ requests, failed });
  return {
    met,
    stop: async () => {
      stopped.abort();
      await running;
      await pool.close();
      return met();
    },
  };
}
