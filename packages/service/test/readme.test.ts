import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const PACKAGE = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const manifest = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8')) as {
  readonly exports: Record<string, { readonly default: string }>;
};

describe('the examples of README.md', () => {
  it('are found', () => {
    expect(examples.length).toBeGreaterThan(7);
  });

  it.each(examples)('are JavaScript (%#)', (example) => {
    const { status, stderr } = spawnSync(process.execPath, ['--check', '--input-type=module'], { input: example, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('import what the package exports', async () => {
    const imports = examples.flatMap((example) => [...example.matchAll(/import \{(.*?)\} from '@slipway\/service(.*?)'/g)]);
    for (const [, names = '', subpath = ''] of imports) {
      const file = manifest.exports[`.${subpath}`]?.default ?? '';
      const source = path.join(PACKAGE, file.replace('./dist/', 'src/').replace(/\.js$/, '.ts'));
      const exported = (await import(source)) as Record<string, unknown>;
      for (const name of names.split(',')) expect(exported, `${name} of ${source}`).toHaveProperty(name.trim());
    }
    expect(imports.length).toBeGreaterThan(7);
  });
});
