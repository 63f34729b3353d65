import type { Ending } from '../shared/counters.ts';

/** Which line it is. */
export interface LineId {
  readonly pid: number;
  /** The route's name in HAProxy. */
  readonly frontend: string;
  /** Counts the lines of a route in a process from 1. */
  readonly serial: number;
}

/** One finished request as a log line tells it. */
export interface Line extends LineId {
  /** Which state of a route it was routed by; null for what never was a request. */
  readonly generation: number | null;
  readonly backend: string;
  readonly server: string;
  readonly status: number;
  readonly retries: number;
  readonly isProbe: boolean;
  /** From handing it on to the last byte, ms. Of an upgrade: to the other side's decision. */
  readonly latencyMs: number;
  readonly ending: Ending;
}

const SHAPE =
  /^(?<token>\S+) (?<pid>\d+) (?<frontend>\S+) (?<serial>\d+) (?<generation>\d+|-) (?<backend>\S+) (?<server>\S+) (?<status>-?\d+) (?<all>[+-]?\d+) (?<request>-?\d+) (?<waiting>-?\d+) (?<connecting>-?\d+) (?<answering>-?\d+) \+?(?<retries>\d+) (?<ended>\S\S) (?<probe>1|-)$/;

/** Reads what the configuration's `log-format` writes (configuration manual, 8.2.4); null for anything else. */
export function readLine(text: string, token: string): Line | null {
  const found = SHAPE.exec(text)?.groups;
  if (found === undefined || found['token'] !== token) return null;
  const number = (name: string): number => Number(found[name]);
  const generation = found['generation'] === '-' ? null : number('generation');
  return {
    pid: number('pid'),
    frontend: found['frontend'] ?? '',
    serial: number('serial'),
    generation,
    backend: found['backend'] ?? '',
    server: found['server'] ?? '',
    status: number('status'),
    retries: number('retries'),
    isProbe: found['probe'] === '1',
    latencyMs: latencyOf(number),
    ending: endingOf(number('status'), found['ended'] ?? ''),
  };
}

/** HAProxy writes -1 for a time that never began. A held request waits before it is queued, which counts as queueing. */
function latencyOf(number: (name: string) => number): number {
  const part = (name: string): number => Math.max(0, number(name));
  if (number('status') === 101) return part('connecting') + part('answering');
  return Math.max(0, part('all') - part('request') - part('waiting'));
}

/**
 * The first letter says who ended it (`C`, `c` the client, `S`, `s` the instance), the second when (`D` while data was passed on):
 * configuration manual, 8.5. An answer that breaks off was begun with a good status.
 */
function endingOf(status: number, ended: string): Ending {
  if (/^[Cc]/.test(ended)) return 'gone';
  if (/^[SsPpIiRr]D/.test(ended)) return 'broken';
  return status < 100 ? 'broken' : status;
}
