import type { Verdict } from '../../kernel/index.ts';

/** How text is set off; without colour it stays as it is, so no meaning may hang on colour alone. */
export interface Style {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

const plain = (text: string): string => text;

/** ANSI SGR codes, or none. */
export function createStyle(colour: boolean): Style {
  if (!colour) return { good: plain, bad: plain, warn: plain, dim: plain, bold: plain };
  const set =
    (on: number, off: number) =>
    (text: string): string =>
      `\u001B[${on}m${text}\u001B[${off}m`;
  return { good: set(32, 39), bad: set(31, 39), warn: set(33, 39), dim: set(2, 22), bold: set(1, 22) };
}

const WORDS: Readonly<Record<Verdict, readonly [symbol: string, word: string, style: keyof Style]>> = {
  pass: ['✓', 'PASS', 'good'],
  fail: ['✗', 'FAIL', 'bad'],
  unknown: ['?', 'UNKNOWN', 'warn'],
};

/** `✓ PASS`; `width` pads the word so that what follows lines up. */
export function verdictWord(verdict: Verdict, style: Style, width = 0): string {
  const [symbol, word, name] = WORDS[verdict];
  return style[name](`${symbol} ${word}`.padEnd(width));
}
