import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('traceparent', () => {
  it('is read as the specification writes it', () => {
    expect(parseTraceparent(`00-${ID}-${SPAN}-01`)).toEqual({ traceId: ID, spanId: SPAN, flags: '01' });
  });

  it('of a later version may have more to say, and its unknown flags are not passed on', () => {
    expect(parseTraceparent(`cc-${ID}-${SPAN}-ff-what-the-future-brings`)).toEqual({ traceId: ID, spanId: SPAN, flags: '03' });
  });

  it.each([
    undefined,
    '',
    `ff-${ID}-${SPAN}-01`,
    `00-${ID}-${SPAN}-01-more`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-${SPAN}-01`,
    `00-${ID}-${SPAN}-1`,
    `cc-${ID}-${SPAN}-01more`,
    ` 00-${ID}-${SPAN}-01`,
  ])('%s is none', (header) => {
    expect(parseTraceparent(header)).toBeNull();
  });

  it('written and read again is the same', () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => /[^0]/.test(text));
    fc.assert(
      fc.property(hex(32), hex(16), fc.constantFrom('00', '01', '02', '03'), (traceId, spanId, flags) => {
        expect(parseTraceparent(formatTraceparent({ traceId, spanId, flags }))).toEqual({ traceId, spanId, flags });
      }),
    );
  });
});
