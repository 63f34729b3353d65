import { lookup } from 'node:dns/promises';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import type { AgentPlaces } from './places.ts';

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
function parseOtlpAddress(text: string): OtlpAddress {
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

/** Ends the receiving that is remembered. */
const NOWHERE = 'none';

/**
 * What was asked for as an address; null for `none`, and for an empty variable.
 * @throws SlipwayError `usage`
 */
export function askedOtlp(text: string): OtlpAddress | null {
  return text === '' || text === NOWHERE ? null : parseOtlpAddress(text);
}

/**
 * Where an agent of this state directory receives metrics: where it is asked to, else where the last one did. An agent that was killed
 * is started again by whoever comes first, who knows of no address.
 * @throws SlipwayError `usage`
 */
export function otlpFor(places: AgentPlaces, asked: string | undefined): OtlpAddress | null {
  return asked === undefined ? remembered(places) : askedOtlp(asked);
}

/** Notes it for the next start. */
export function rememberOtlp({ directory }: AgentPlaces, address: OtlpAddress | null): void {
  const file = join(directory, 'otlp');
  writeFileSync(`${file}.new`, `${address === null ? NOWHERE : tellOtlpAddress(address)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function remembered({ directory }: AgentPlaces): OtlpAddress | null {
  try {
    return askedOtlp(readFileSync(join(directory, 'otlp'), 'utf8').trim());
  } catch {
    return null;
  }
}

export function tellOtlpAddress({ host, port }: OtlpAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Do both mean the same place? A name means what it is resolved to, as for whoever listens there. */
export async function isSameOtlp(one: OtlpAddress | null, other: OtlpAddress | null): Promise<boolean> {
  if (one === null || other === null) return one === other;
  if (one.port !== other.port) return false;
  const [first, second] = await Promise.all([one, other].map(async ({ host }) => (await lookup(host)).address));
  return first === second;
}
