import { SlipwayError } from '../../kernel/index.ts';

/** A port on the loopback interface. */
export interface OtlpAddress {
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;

/**
 * Reads `127.0.0.1:4318` or `4318`.
 * @throws SlipwayError `usage` for anything else, and for an address others can reach: whoever can send counts can sway the judge
 */
export function parseOtlpAddress(text: string): OtlpAddress {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2] ?? '127.0.0.1';
  const port = Number(match?.[3] ?? Number.NaN);
  if (!(port >= 1 && port <= 65_535)) throw new SlipwayError('usage', `"${text}" is not an address; write --otlp 127.0.0.1:4318`);
  if (!LOOPBACK.test(host))
    throw new SlipwayError(
      'usage',
      `"${host}" can be reached by others, and whoever sends counts sways the judge; write --otlp 127.0.0.1:${port}`,
    );
  return { host, port };
}
