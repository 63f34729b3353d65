import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plotSvg } from './plot-svg.ts';
import { plotLines } from './plot-terminal.ts';
import { highestBetween, roundTop, ticksOf, type Plot } from './plot.ts';

const MINUTE = 60_000;

const plot: Plot = {
  title: 'errors at 5 %',
  x: { label: 'since beginning', from: 0, to: 10 * MINUTE, unit: 'time' },
  y: { label: 'bad share', from: 0, to: 0.1, unit: 'share' },
  lines: [
    {
      name: 'canary',
      points: [
        { x: 0, y: 0.01 },
        { x: 5 * MINUTE, y: 0.1 },
        { x: 8 * MINUTE, y: null },
      ],
    },
    { name: 'stable', points: [{ x: 0, y: 0 }] },
  ],
  marks: [{ x: 8 * MINUTE, label: 'fail' }],
};

describe('a plot on a terminal', () => {
  it('has a panel per line, on one scale, with the decision marked', () => {
    expect(plotLines(plot, { width: 60, rows: 1, ascii: false })).toEqual([
      'errors at 5 % (bad share, up to 10 %; since beginning)',
      `canary │${'▁'.repeat(26)}${'█'.repeat(16)}`,
      `stable │${'▁'.repeat(52)}`,
      '        0ms       2m         4m        6m         8m',
      `${' '.repeat(49)}^ fail`,
    ]);
  });

  it('keeps to what every terminal has when it is told to', () => {
    const text = plotLines(plot, { width: 60, rows: 2, ascii: true }).join('\n');
    expect(text).toMatch(/^[\n -~]*$/);
    expect(text).toContain('####');
  });

  it('is never wider than its room, whatever is in it', () => {
    const value = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
    const points = fc.array(fc.record({ x: fc.integer({ min: -1_000, max: 20 * MINUTE }), y: value }), { maxLength: 30 });
    const line = fc.record({ name: fc.string({ maxLength: 40 }), points });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), fc.integer({ min: 20, max: 200 }), fc.boolean(), (lines, width, ascii) => {
        for (const text of plotLines({ ...plot, lines }, { width, rows: 2, ascii }))
          expect(Array.from(text).length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('a plot as SVG', () => {
  it('draws a stair that breaks off where nothing is known', () => {
    const svg = plotSvg(plot);
    // 64 to 696 across ten minutes; 232 is zero, 44 the top.
    expect(svg).toContain('d="M64 213.2H380V44H569.6"');
    expect(svg).toContain('d="M64 232H696"');
    expect(svg).toContain('>fail</text>');
  });

  it('lets no text become markup', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const svg = plotSvg({ ...plot, title: text, lines: [{ name: text, points: [] }], marks: [{ x: 0, label: text }] });
        expect(svg.match(/<(?!\/?(?:svg|title|rect|text|line|path)\b)/g)).toBeNull();
        expect(svg).not.toMatch(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/);
      }),
    );
    expect(plotSvg({ ...plot, title: `<script>alert("x")</script> & 'y'` })).toContain(
      '<title>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;</title>',
    );
  });
});

describe('axes', () => {
  it('keeps a short peak', () => {
    const line = {
      name: 'x',
      points: [
        { x: 0, y: 0.1 },
        { x: 3, y: 0.9 },
        { x: 4, y: 0.2 },
      ],
    };
    expect([highestBetween(line, 0, 10), highestBetween(line, 5, 10), highestBetween(line, -5, 0)]).toEqual([0.9, 0.2, null]);
  });

  it('has round labels, also for times over many powers', () => {
    expect(ticksOf({ label: '', from: 10_000, to: 24 * 60 * MINUTE, log: true, unit: 'time' }, 20).slice(0, 3)).toEqual([
      10_000,
      30_000,
      MINUTE,
    ]);
    expect(ticksOf({ label: '', from: 0, to: 0.05, unit: 'share' }, 5)).toHaveLength(6);
    expect([roundTop(0), roundTop(0.013), roundTop(0.9), roundTop(0.05)]).toEqual([0.01, 0.02, 1, 0.05]);
  });
});
