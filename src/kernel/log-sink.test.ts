import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createLogSink, type LogSummary } from './log-sink.ts';
import { createRedactor } from './pure.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'slipway-sink-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SECRET = 'hunter2-correct-horse';
const PEM = ['-----BEGIN RSA PRIVATE KEY-----', 'MIIEowIBAAKCAQEA', 'q83vEjRWeJCrze8', '-----END RSA PRIVATE KEY-----'].join('\n');

function sinkOf(chunks: readonly (string | Buffer)[], maxBytes?: number): { text: string; raw: Buffer; summary: LogSummary } {
  const file = path.join(directory, 'log');
  const sink = createLogSink({
    file,
    redact: createRedactor([SECRET]),
    longestSecret: SECRET.length,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const input = sink.input();
  for (const chunk of chunks) input(Buffer.from(chunk as string));
  const summary = sink.finish();
  const raw = readFileSync(file);
  return { text: raw.toString(), raw, summary };
}

function inPieces(text: string, cuts: readonly number[]): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

test('what is written does not depend on how the bytes arrive, and holds no secret and no key', () => {
  const text = `start é\nurl postgres://u:${SECRET}@h/d\nplain ${SECRET}\n${PEM}\n\nend`;
  const whole = sinkOf([text]);
  expect(whole.text).toContain('start é\n');
  expect(whole.text).toContain('\nend\n');
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
      const { text: written, raw, summary } = sinkOf(inPieces(text, cuts));
      expect(written).toBe(whole.text);
      expect(written).not.toMatch(/hunter2|MIIEow|q83vEjRW/);
      expect(summary).toMatchObject({ bytes: raw.length, sha256: createHash('sha256').update(raw).digest('hex'), truncated: false });
    }),
    { numRuns: 200 },
  );
});

test('two inputs never mix within a line', () => {
  const file = path.join(directory, 'two');
  const sink = createLogSink({ file, redact: createRedactor() });
  const [out, err] = [sink.input(), sink.input()];
  out(Buffer.from('hel'));
  err(Buffer.from('wor'));
  out(Buffer.from('lo\n'));
  err(Buffer.from('ld\n'));
  sink.finish();
  expect(readFileSync(file, 'utf8')).toBe('hello\nworld\n');
});

test('keeps head and tail, says how much was dropped, and stays within its limit', () => {
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}\n`);
  const { text, raw, summary } = sinkOf(lines, 4_096);
  expect(text.startsWith('line 0\n')).toBe(true);
  expect(text.endsWith('line 4999\n')).toBe(true);
  expect(summary.truncated).toBe(true);
  expect(summary.tail.endsWith('line 4999')).toBe(true);
  expect(raw.length).toBeLessThan(4_096 + 200);
  const dropped = Number(/\[slipway\] (\d+) bytes of output were dropped here/.exec(text)?.[1]);
  const kept = raw.length - (/^\[slipway\].*\n/m.exec(text)?.[0].length ?? 0);
  expect(kept + dropped).toBe(lines.join('').length);
});

test('a secret in the kept tail is hidden too', () => {
  const { text, summary } = sinkOf([...Array.from({ length: 2_000 }, (_, index) => `line ${index}\n`), `bye ${SECRET}\n`], 4_096);
  expect(text).toContain('bye [redacted]');
  expect(`${text}${summary.tail}`).not.toContain(SECRET);
});

test('an over-long line is cut with a marker, and a secret across the cut leaves no half behind', () => {
  for (const before of [16_380, 16_384, 16_370, 100]) {
    const line = `${'x'.repeat(before)}${SECRET}${'y'.repeat(50_000)}\nnext\n`;
    const { text } = sinkOf(inPieces(line, [5, 9_000, 16_390, 40_000]));
    expect(text).not.toContain('hunter');
    expect(text).toContain(`[slipway: line cut, it had ${before + SECRET.length + 50_001} bytes]\nnext\n`);
    expect(text.length).toBeLessThan(16_600);
  }
});

test('bytes that are not UTF-8 are replaced', () => {
  const { text } = sinkOf([Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0x80, 0x00, 0x62])]);
  expect(text).toBe('a\uFFFD\uFFFD\n\uFFFD\u0000b\n');
});

test('a private key without an end hides a bounded number of lines', () => {
  const { text } = sinkOf([`-----BEGIN PRIVATE KEY-----\n${'AAAAsecretAAAA\n'.repeat(400)}after\n`]);
  expect(text).toBe('[redacted]\nafter\n');
});

test('the tail carries no terminal control sequences', () => {
  expect(sinkOf(['\u001b[31mred\u001b[0m\n']).summary.tail).toBe('red');
});

test('no output at all is an empty file with the digest of nothing', () => {
  expect(sinkOf([]).summary).toEqual({ bytes: 0, sha256: createHash('sha256').digest('hex'), truncated: false, tail: '' });
});

test.runIf(process.platform === 'linux')('a full disk is reported as truncated and does not throw', () => {
  const sink = createLogSink({ file: '/dev/full', redact: createRedactor() });
  sink.input()(Buffer.from('hello\n'));
  expect(sink.finish()).toMatchObject({ bytes: 0, truncated: true, tail: 'hello' });
});
