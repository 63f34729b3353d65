import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Service, type ServiceOptions, createService } from '../src/index.ts';

/** A service that logs into `lines` and ends by pushing its exit code into `codes`. */
export interface Tried {
  readonly service: Service;
  readonly lines: Record<string, unknown>[];
  readonly codes: number[];
}

export function tryService(options: ServiceOptions = {}): Tried {
  const lines: Record<string, unknown>[] = [];
  const codes: number[] = [];
  const service = createService({
    name: 'shop',
    version: '1.2.3',
    gitSha: 'abc123',
    signals: false,
    processMetrics: false,
    exit: (code) => void codes.push(code),
    ...options,
    shutdown: { announceMs: 0, ...options.shutdown },
    log: { level: 'debug', destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } },
  });
  return { service, lines, codes };
}

export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Got {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export async function getJson(url: string, headers: Record<string, string> = {}): Promise<Got> {
  const response = await fetch(url, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
