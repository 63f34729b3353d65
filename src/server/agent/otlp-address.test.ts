import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askedOtlp, isSameOtlp, otlpFor, rememberOtlp, tellOtlpAddress } from './otlp-address.ts';
import type { AgentPlaces } from './places.ts';

let directory: string;
let places: AgentPlaces;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-otlp-'));
  places = { directory, socket: '', log: '', workerLog: '' };
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the address metrics are received on', () => {
  it.each([['127.0.0.1:4318'], ['[::1]:4318'], ['localhost:4318']])('%s is told as it is read', (text) => {
    const address = askedOtlp(text);
    expect(address).not.toBeNull();
    if (address !== null) expect(tellOtlpAddress(address)).toBe(text);
  });

  it('is the one that is asked for, else the last one, until nothing is asked for', () => {
    expect(otlpFor(places, undefined)).toBeNull();
    rememberOtlp(places, otlpFor(places, '4318'));
    expect(otlpFor(places, undefined)).toEqual({ host: '127.0.0.1', port: 4318 });
    expect(otlpFor(places, '[::1]:9')).toEqual({ host: '::1', port: 9 });
    rememberOtlp(places, otlpFor(places, 'none'));
    expect(otlpFor(places, undefined)).toBeNull();
    writeFileSync(join(directory, 'otlp'), 'nonsense');
    expect(otlpFor(places, undefined)).toBeNull();
  });

  it('is refused where others reach it', () => {
    expect(() => otlpFor(places, '0.0.0.0:4318')).toThrow(/can be reached by others/);
    expect(() => otlpFor(places, 'localhost')).toThrow(/is not an address/);
  });

  it('is compared by what it means', async () => {
    const same = (one: string, other: string): Promise<boolean> => isSameOtlp(askedOtlp(one), askedOtlp(other));
    // What a machine calls localhost is one of the two.
    expect(await Promise.all([same('localhost:9', '127.0.0.1:9'), same('localhost:9', '[::1]:9')])).toContain(true);
    expect(await same('9', '127.0.0.1:9')).toBe(true);
    expect(await same('127.0.0.1:9', '[::1]:9')).toBe(false);
    expect(await same('localhost:9', 'localhost:10')).toBe(false);
    expect(await same('none', '127.0.0.1:9')).toBe(false);
    expect(await same('none', '')).toBe(true);
  });
});
