import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSseParser, type ServerSentEvent } from './sse.ts';

const parse = (...pieces: readonly string[]): readonly ServerSentEvent[] => {
  const parser = createSseParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe('server-sent events', () => {
  it.each([
    ['a message', 'data: a\n\n', [{ type: 'message', data: 'a', id: '' }]],
    ['type and id', 'id: 7\nevent: delta\ndata: {}\n\n', [{ type: 'delta', data: '{}', id: '7' }]],
    ['several lines of data', 'data: a\ndata\ndata:b\n\n', [{ type: 'message', data: 'a\n\nb', id: '' }]],
    ['only one space is taken off', 'data:  a\n\n', [{ type: 'message', data: ' a', id: '' }]],
    [
      'a comment is a sign of life',
      ':\n\n: x\n',
      [
        { type: ':', data: '', id: '' },
        { type: ':', data: '', id: '' },
      ],
    ],
    [
      'the id stays for later events',
      'id: 3\ndata: a\n\ndata: b\n\n',
      [
        { type: 'message', data: 'a', id: '3' },
        { type: 'message', data: 'b', id: '3' },
      ],
    ],
    ['an id with a null character is none', 'id: 3\0\ndata: a\n\n', [{ type: 'message', data: 'a', id: '' }]],
    ['an event without data is none', 'event: delta\n\ndata: a\n\n', [{ type: 'message', data: 'a', id: '' }]],
    ['a byte order mark', '\uFEFFdata: a\n\n', [{ type: 'message', data: 'a', id: '' }]],
    ['an end without an empty line is no event', 'data: a\n', []],
  ])('%s', (_name, text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  it('are the same however the text is cut, and whichever line ends it has', () => {
    const line = fc.oneof(
      fc.constantFrom('', '', ':', ': beat', 'data', 'retry: 5', 'nothing: 1'),
      fc
        .tuple(fc.constantFrom('data', 'event', 'id'), fc.string({ unit: fc.constantFrom('a', ' ', ':', 'é', '{') }))
        .map((parts) => parts.join(':')),
    );
    const texts = fc.record({ lines: fc.array(line, { maxLength: 20 }), end: fc.constantFrom('\n', '\r\n', '\r') });
    fc.assert(
      fc.property(texts, fc.array(fc.nat(400), { maxLength: 12 }), ({ lines, end }, cuts) => {
        const text = lines.map((one) => one + end).join('');
        const at = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b);
        const pieces = at.slice(1).map((stop, index) => text.slice(at[index], stop));
        const whole = lines.map((one) => `${one}\n`).join('');
        expect(parse(...pieces)).toEqual(parse(whole));
      }),
    );
  });

  it('refuse an event without an end, whatever its lines', () => {
    const parser = createSseParser(1_000);
    const endless = (): void => {
      for (let sent = 0; sent < 2_000; sent += 10) parser.push('data: xyz\n');
    };
    expect(endless).toThrow(RangeError);
    expect(() => createSseParser(1_000).push('x'.repeat(2_000))).toThrow(RangeError);
  });
});
