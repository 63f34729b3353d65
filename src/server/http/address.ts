import { BlockList, isIP } from 'node:net';
import type { Context } from 'hono';
import type { ServeEnv } from './mount.ts';

/** Where a request comes from: the client, or the proxy before us; empty when it has gone already. */
export type AddressOf = (context: Pick<Context<ServeEnv>, 'env'>) => string;

/** Addresses that share their first `bits`. */
export interface Network {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. Null: it is none, or it is everybody, or an IPv4 network written as one of IPv6. */
export function readNetwork(text: string): Network | null {
  const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || unmapped(address) !== address) return null;
  const most = version === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  return bits >= 1 && bits <= most ? { address, bits, family: familyOf(address) } : null;
}

/**
 * The address of a client behind proxies: each of them adds to `X-Forwarded-For` whom it was asked by, at the right. So it is read from
 * there, as far as whoever says it is one of `proxies`; what stands left of that, anybody could have written.
 */
export function createAddressOf(proxies: readonly Network[]): AddressOf {
  const list = new BlockList();
  for (const { address, bits, family } of proxies) list.addSubnet(address, bits, family);
  const isProxy = (address: string): boolean => proxies.length > 0 && isIP(address) !== 0 && list.check(address, familyOf(address));
  return ({ env: { incoming } }) => {
    let from = unmapped(incoming.socket.remoteAddress ?? '');
    if (!isProxy(from)) return from;
    // Node joins the lines of such a header; it has no type of its own.
    const named = String(incoming.headers['x-forwarded-for'] ?? '').split(',');
    while (isProxy(from)) {
      const next = forwarded(named.pop() ?? '');
      // A proxy that says nothing, or what is no address, is as far as anybody knows.
      if (next === null) break;
      from = next;
    }
    return from;
  };
}

/** Some proxies write the port too: `10.1.2.3:4567`, `[2001:db8::1]:4567`. */
function forwarded(text: string): string | null {
  const [, v6, v4] = /^\s*(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})\s*$/.exec(text) ?? [];
  const address = unmapped(v6 ?? v4 ?? text.trim());
  return isIP(address) === 0 ? null : address;
}

/** IPv4 is written as such also where it comes to a socket of IPv6. */
function unmapped(address: string): string {
  const v4 = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  return v4 !== undefined && isIP(v4) === 4 ? v4 : address;
}

function familyOf(address: string): Network['family'] {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
