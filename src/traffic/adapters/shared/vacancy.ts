import { isIP } from 'node:net';
import { SlipwayError } from '../../../kernel/index.ts';
import type { ListenAddress, ListenAnswer } from '../../ports.ts';
import { tryToBind } from './bind.ts';
import { whoListens } from './who-listens.ts';

/** A route of this router, as far as its address matters. */
export interface Tenant {
  readonly id: string;
  readonly address: ListenAddress;
  /** False while somebody else has the address of a route that is to have it. */
  readonly listening: boolean;
}

/**
 * Could the route listen there? Our own routes are asked first: one that waits for its address back (after a restart) has a
 * claim to it that no socket shows.
 */
export async function askListen(id: string, address: ListenAddress, tenants: readonly Tenant[]): Promise<ListenAnswer> {
  const where = textOf(address);
  const own = tenants.find((tenant) => tenant.id === id) ?? null;
  if (own?.listening === true && sameAddress(own.address, address)) return pass(`the route ${id} listens on ${where} already`);
  const other = tenants.find((tenant) => tenant.id !== id && overlap(tenant.address, address));
  if (other !== undefined)
    return fail(
      `${where} belongs to the route of ${other.id}${sameAddress(other.address, address) ? '' : `, which listens on ${textOf(other.address)}`}`,
      `Choose another address under listen, or move ${other.id} to another one first.`,
    );
  try {
    await tryToBind(address);
    return pass(`${where} is free`);
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    return whyNot(error, address, own);
  }
}

async function whyNot({ code, message, hint }: SlipwayError, address: ListenAddress, own: Tenant | null): Promise<ListenAnswer> {
  if (own?.listening === true && overlap(own.address, address))
    return fail(
      `the route ${own.id} listens on ${textOf(own.address)}, and ${textOf(address)} cannot be taken beside it`,
      'Choose another port: users stay on the old address until the new one is open.',
    );
  const who = code === 'port_in_use' ? await whoListens(address.port) : null;
  return fail(who === null ? message : `${message}: ${who}`, hint);
}

const pass = (reason: string): ListenAnswer => ({ verdict: 'pass', reason, fix: null });
const fail = (reason: string, fix: string): ListenAnswer => ({ verdict: 'fail', reason, fix });

function textOf({ host, port }: ListenAddress): string {
  return `${host}:${port}`;
}

export function sameAddress(one: ListenAddress, other: ListenAddress): boolean {
  return one.host === other.host && one.port === other.port;
}

/** Is one of them the other, or among the addresses the other stands for? */
function overlap(one: ListenAddress, other: ListenAddress): boolean {
  return one.port === other.port && (covers(one.host, other.host) || covers(other.host, one.host));
}

function covers(host: string, other: string): boolean {
  return host === other || host === '::' || (host === '0.0.0.0' && isIP(other) !== 6);
}
