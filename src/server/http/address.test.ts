import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAddressOf, readNetwork, type AddressOf, type Network } from './address.ts';

const networks = (...all: readonly string[]): readonly Network[] => all.map((one) => readNetwork(one) as Network);

/** Whom a server with these proxies takes a request for. */
function seen(proxies: readonly string[], peer: string | undefined, forwarded?: string): string {
  const incoming = { socket: { remoteAddress: peer }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } };
  return createAddressOf(networks(...proxies))({ env: { incoming } } as unknown as Parameters<AddressOf>[0]);
}

test.each([
  ['nobody is believed unless named', [], '10.0.0.1', '203.0.113.9', '10.0.0.1'],
  ['a stranger is not believed beside a proxy', ['10.0.0.1'], '10.0.0.2', '203.0.113.9', '10.0.0.2'],
  ['a proxy is', ['10.0.0.1'], '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['what its client wrote himself is not', ['10.0.0.1'], '10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
  ['a proxy before a proxy is', ['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 203.0.113.9, 10.7.0.2', '203.0.113.9'],
  ['all of them are proxies', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3,10.0.0.2', '10.0.0.3'],
  ['a proxy that says nothing', ['10.0.0.1'], '10.0.0.1', undefined, '10.0.0.1'],
  ['a proxy that says nothing readable', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.9, unknown, 10.0.0.2', '10.0.0.2'],
  ['nothing between commas', ['10.0.0.1'], '10.0.0.1', '203.0.113.9,,', '10.0.0.1'],
  ['with a port', ['10.0.0.1'], '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6 with a port', ['fd00::/8'], 'fd00::1', '[2001:db8::7]:4711', '2001:db8::7'],
  ['IPv6, by another spelling of the proxy', ['fd00::1'], 'fd00:0:0::1', '2001:db8::7', '2001:db8::7'],
  ['IPv4 that came to a socket of IPv6', ['127.0.0.1'], '::ffff:127.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['an interface of its own', ['fe80::/10'], 'fe80::1%eth0', '203.0.113.9', '203.0.113.9'],
  ['who has gone', ['10.0.0.1'], undefined, '203.0.113.9', ''],
])('%s', (_, proxies, peer, forwarded, told) => {
  expect(seen(proxies, peer, forwarded)).toBe(told);
});

test('whatever a client writes in front, it is taken for who it is', () => {
  fc.assert(
    fc.property(fc.string(), fc.ipV4(), (written, client) => {
      fc.pre(!client.startsWith('10.'));
      expect(seen(['10.0.0.0/8'], '10.0.0.1', `${written}, ${client}`)).toBe(client);
    }),
  );
});

test.each([
  '',
  'proxy.example',
  '10.0.0',
  '10.0.0.256',
  '10.0.0.0/33',
  '10.0.0.0/',
  '/8',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10.0.0.0/ 8',
  'fd00::/129',
  'fe80::1%eth0',
  '*',
])('%j names no network', (text) => {
  expect(readNetwork(text)).toBeNull();
});

test('nor does what is everybody, or would never be found', () => {
  expect(['0.0.0.0/0', '::/0', '::ffff:10.0.0.1', '::ffff:10.0.0.0/104'].map(readNetwork)).toEqual([null, null, null, null]);
  expect(readNetwork('10.0.0.7')).toEqual({ address: '10.0.0.7', bits: 32, family: 'ipv4' });
  expect(readNetwork('fd00::/8')).toEqual({ address: 'fd00::', bits: 8, family: 'ipv6' });
});
