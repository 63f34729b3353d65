import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findPlaces, makeHome } from './places.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-places-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const make = (name: string, ...files: readonly string[]): string => {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  for (const text of files) writeFileSync(join(folder, 'slipway.yaml'), text);
  return folder;
};

describe('the state directory', () => {
  const whole = make('whole', 'set: whole\nservices:\n  - services/api\n  - web\n');
  mkdirSync(join(whole, '.slipway'));

  it("of a service of a set is the set's, once something was released from there", () => {
    expect(findPlaces(make('whole/services/api'), {}).home).toBe(join(whole, '.slipway'));
    expect(existsSync(join(whole, 'services/api/.slipway'))).toBe(false);
  });

  it("is a service's own where no set names it, it has one already, or the environment says so", () => {
    const other = make('whole/other');
    expect(findPlaces(other, {}).home).toBe(join(other, '.slipway'));
    expect(findPlaces(make('whole/web'), { SLIPWAY_HOME: join(root, 'state') }).home).toBe(join(root, 'state'));
    mkdirSync(join(whole, 'web/.slipway'));
    expect(findPlaces(make('whole/web'), {}).home).toBe(join(whole, 'web/.slipway'));
  });

  it('is only made by who asks for it, and found by the same name before and after, through links too', () => {
    const folder = make('linked');
    symlinkSync(folder, join(root, 'link'));
    const { home } = findPlaces(join(root, 'link'), {});
    expect([home, existsSync(home)]).toEqual([join(folder, '.slipway'), false]);
    makeHome(home);
    makeHome(home);
    expect(readFileSync(join(home, '.gitignore'), 'utf8')).toBe('*\n');
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(findPlaces(join(root, 'link'), {}).home).toBe(home);
  });

  it('that cannot be made is refused', () => {
    const folder = make('taken');
    writeFileSync(join(folder, '.slipway'), '');
    expect(() => makeHome(join(folder, '.slipway'))).toThrow(expect.objectContaining({ code: 'state_unwritable' }));
    expect(() => makeHome(join(folder, '.slipway', 'deeper'))).toThrow(expect.objectContaining({ code: 'state_unwritable' }));
  });
});
