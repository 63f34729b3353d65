import { formatDuration, parseDuration, SlipwayError, type Duration } from '../../../kernel/index.ts';

/** A whole number of an option. @throws SlipwayError `usage` */
export function wholeNumber(option: string, given: string, [least, most]: readonly [least: number, most: number]): number {
  const value = Number(given);
  if (!/^\d{1,15}$/.test(given) || value < least || value > most)
    throw new SlipwayError('usage', `${option} ${given}: a whole number from ${least} to ${most} is needed`);
  return value;
}

/** `0.5%` as a fraction from 0 to 1. @throws SlipwayError `usage` */
export function percentage(option: string, given: string): number {
  const value = Number(/^(\d{1,3}(?:\.\d{1,9})?) ?%$/.exec(given.trim())?.[1] ?? Number.NaN);
  if (!(value >= 0 && value <= 100)) throw new SlipwayError('usage', `${option} ${given}: a share in percent is needed, such as 0.5%`);
  return value / 100;
}

/** A length of time above zero. @throws SlipwayError `usage` */
export function timeSpan(option: string, given: string, mostMs: Duration): Duration {
  const ms = parseDuration(given);
  if (ms === null || ms > mostMs)
    throw new SlipwayError(
      'usage',
      `${option} ${given}: a length of time is needed, such as 30s, 5m or 1h30m, of at most ${formatDuration(mostMs)}`,
    );
  return ms;
}
