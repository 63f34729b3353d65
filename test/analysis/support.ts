import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Question } from '../../src/analysis/index.ts';

export const QUESTION: Question = {
  service: 'shop',
  environment: 'prd',
  canary: { version: '1.1.0', group: 'shop/prd/green' },
  stable: { version: '1.0.0', group: 'shop/prd/blue' },
};

const PROMETHEUS = '/usr/bin/prometheus';
/** False where tests with a real Prometheus are skipped. */
export const hasPrometheus = existsSync(PROMETHEUS);

export interface RunningPrometheus {
  readonly url: string;
  kill(): Promise<void>;
  /** Stops it where it is: connections are accepted, nothing is answered. */
  hang(): void;
  start(): Promise<void>;
  /** Resolves when it knows all that there is to be scraped now. */
  scraped(): Promise<void>;
}

/** A real Prometheus that scrapes these targets every second; started with {@link RunningPrometheus.start}. */
export async function makePrometheus(folder: string, targets: readonly string[], port: number): Promise<RunningPrometheus> {
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'prometheus.yml');
  await writeFile(
    config,
    JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [{ job_name: 'shop', static_configs: [{ targets }] }] }),
  );
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  const scraped = async (): Promise<void> => {
    const since = Date.now() / 1_000;
    for (let tries = 0; tries < 1_200; tries++) {
      if ((await scrapedAt(url)) > since) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('Prometheus did not scrape');
  };
  return {
    url,
    scraped,
    kill: async () => {
      const running = child;
      child = null;
      if (running === null) return;
      const gone = once(running, 'exit');
      running.kill('SIGKILL');
      await gone;
    },
    hang: () => void child?.kill('SIGSTOP'),
    start: async () => {
      const args = [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ];
      child = spawn(PROMETHEUS, args, { stdio: 'ignore' });
      // Until it has scraped again it answers with what it knew before, for up to five minutes.
      await scraped();
    },
  };
}

/** An HTTP server on a free port of the loopback interface, answering whatever `answer` gives. */
export async function serve(
  answer: Parameters<typeof createServer>[1] & object,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { server, port: (server.address() as AddressInfo).port };
}

async function scrapedAt(url: string): Promise<number> {
  try {
    const answer = (await (await fetch(`${url}/api/v1/query?query=min(timestamp(up))`)).json()) as {
      readonly data?: { readonly result?: readonly { readonly value: readonly [number, string] }[] };
    };
    return Number(answer.data?.result?.[0]?.value[1] ?? 0);
  } catch {
    return 0;
  }
}
