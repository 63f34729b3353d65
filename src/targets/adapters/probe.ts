import { request } from 'node:http';

export interface ProbeAnswer {
  readonly passed: boolean;
  readonly reason: string;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens on the port',
  ECONNRESET: 'the connection was closed without an answer',
};

/**
 * Asks 127.0.0.1:`port` once; 2xx passes. A connection alone proves nothing: a proxy in front accepts and then
 * hangs up while the service is still down. The timer is ours and keeps the loop alive, so the answer always comes.
 */
export function probeHttp(port: number, path: string, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const probe = request({
      host: '127.0.0.1',
      port,
      path,
      method: 'GET',
      agent: false,
      headers: { 'user-agent': 'slipway-health', connection: 'close' },
    });
    const end = (passed: boolean, reason: string): void => {
      clearTimeout(timer);
      resolve({ passed, reason });
      probe.destroy();
    };
    const timer = setTimeout(() => end(false, `${path} gave no answer within ${timeoutMs} ms`), timeoutMs);
    probe.once('response', (response) => {
      const status = response.statusCode ?? 0;
      end(status >= 200 && status < 300, `${path} answered ${status}`);
    });
    // Stays on: destroying an open request raises another error.
    probe.on('error', (error: NodeJS.ErrnoException) => end(false, `${path}: ${REASONS[error.code ?? ''] ?? error.message}`));
    probe.end();
  });
}
