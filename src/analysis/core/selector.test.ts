import { expect, it } from 'vitest';
import { parseSelector } from './selector.ts';

it('reads a name, with attributes or without', () => {
  expect(parseSelector('payments')).toEqual({ name: 'payments', where: {} });
  expect(parseSelector('http.server.request.duration{ http.route = "/pay", result="a\\"b" }')).toEqual({
    name: 'http.server.request.duration',
    where: { 'http.route': '/pay', result: 'a"b' },
  });
});

it.each(['', '{a="b"}', 'x{a=~"b"}', 'x{a=b}', 'x{a="b"', 'sum(x)', 'x{a="b" c="d"}', 'x y'])('refuses %j', (text) =>
  expect(parseSelector(text)).toBeNull(),
);
