import { expect, it } from 'vitest';
import { sumInExposition } from './exposition.ts';

const TEXT = `# HELP read_fallback_total Reads.
# TYPE read_fallback_total counter
read_fallback_total{shape="customer-name",version="1.3.0"} 2
read_fallback_total{version="1.3.0",shape="customer-name",pod="b"} 3 1700000000000
read_fallback_total{shape="other \\"x\\", shape=\\"customer-name\\""} 7
read_fallback_total_created{shape="customer-name"} 9
plain 4
odd NaN
`;

it('sums the series that a selector means, and no others', () => {
  const sum = (name: string, where: Readonly<Record<string, string>> = {}) => sumInExposition(TEXT, { name, where });
  expect(sum('read_fallback_total', { shape: 'customer-name' })).toBe(5);
  expect(sum('read_fallback_total', { shape: 'customer-name', pod: 'b' })).toBe(3);
  expect(sum('read_fallback_total')).toBe(12);
  expect(sum('plain')).toBe(4);
  expect(sum('read_fallback_total', { shape: 'nobody' })).toBe(null);
  expect(sum('odd')).toBe(null);
});
