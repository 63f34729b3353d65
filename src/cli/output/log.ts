import { redactDeep, toIso, type Clock, type Log, type Redactor } from '../../kernel/index.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

type Level = (typeof LEVELS)[number];

export interface LogOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly redact: Redactor;
  /** The lowest level written; null writes nothing. */
  readonly level: Level | null;
  readonly write: (line: string) => void;
}

/** Slipway's own operational log: one JSON object per line, redacted. */
export function createLog({ clock, redact, level, write }: LogOptions): Log {
  const lowest = level === null ? LEVELS.length : LEVELS.indexOf(level);
  return (at, message, fields = {}) => {
    if (LEVELS.indexOf(at) < lowest) return;
    const line = redactDeep({ time: toIso(clock.now()), level: at, message, ...fields }, redact);
    write(`${JSON.stringify(line)}\n`);
  };
}

/** What SLIPWAY_LOG asks for; anything that is no level counts as not set. */
export function levelFrom(value: string | undefined, otherwise: Level | null): Level | null {
  return LEVELS.find((level) => level === value) ?? otherwise;
}
