import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { publishedSchema } from '../../src/config/publish-schema.ts';

const root = new URL('../../', import.meta.url);
const docs = await readFile(new URL('docs/configuration.md', root), 'utf8');
const examples = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);

/** Sections shown on their own get the rest of a small file around them. */
function complete(example: string): string {
  if (/^service:/m.test(example)) return example;
  return `service: shop\nlisten: 8080\n${/^(processes|run):/m.test(example) ? '' : 'run: node server.js\n'}${example}`;
}

describe('docs/configuration.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThan(8));

  it.each(examples.map((example) => [complete(example)]))('example parses: %s', (text) => {
    const environment = /^ {2}stg:/m.test(text) ? 'stg' : 'dev';
    expect(parseConfig(text, { file: 'slipway.yaml', environment }).service).toBe('shop');
  });

  it('writes the defaults out as they are', () => {
    const [short = '', long = ''] = examples.slice(-2);
    expect(parseConfig(long, { file: 'long' })).toEqual(parseConfig(short, { file: 'short' }));
  });

  it('lists exactly the keys of the schema', () => {
    const documented = [...docs.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key = '']) => key);
    expect(new Set(documented).size).toBe(documented.length);
    expect(documented.toSorted()).toEqual([...schemaKeys()].toSorted());
  });

  it('shows the message that is really given', () => {
    const text = docs.match(/```text\n([\s\S]*?)\n```/)?.[1] ?? '';
    expect(() => parseConfig('service: shop\nlisten: 8080\nprocceses:\n', { file: 'slipway.yaml' })).toThrow(text);
  });
});

it('schema/slipway.schema.json is up to date (npm run schema)', async () => {
  expect(await readFile(new URL('schema/slipway.schema.json', root), 'utf8')).toBe(publishedSchema());
});

type Schema = Readonly<Record<string, unknown>>;

/** Every key path of the published schema, in the docs' notation; shared shapes are named once. */
function schemaKeys(): ReadonlySet<string> {
  const schema = JSON.parse(publishedSchema()) as Schema;
  const found = new Set<string>();
  const visit = (given: unknown, prefix: string): void => {
    if (typeof given !== 'object' || given === null) return;
    const node = given as Schema;
    if (typeof node['$ref'] === 'string') visit((schema['$defs'] as Schema)[node['$ref'].replace('#/$defs/', '')], prefix);
    for (const list of [node['anyOf'], node['oneOf'], node['allOf']]) if (Array.isArray(list)) for (const item of list) visit(item, prefix);
    for (const [key, value] of Object.entries((node['properties'] ?? {}) as Schema)) {
      const path = shared(prefix, key, node);
      found.add(path);
      if (path !== 'environments') visit(value, path);
    }
    if (node['propertyNames'] !== undefined) visit(node['additionalProperties'], `${prefix}.<name>`);
    visit(node['items'], prefix);
  };
  visit(schema, '');
  return found;
}

function shared(prefix: string, key: string, node: Schema): string {
  if (/^smoke\.(read|write|worker)$/.test(prefix) && key !== 'none')
    return key === 'run' || key === 'env' || key === 'rerunnable' ? `<command>.${key}` : `<check>.${key}`;
  if (Object.hasOwn(node['properties'] ?? {}, 'rerunnable')) return `<command>.${key}`;
  if (prefix.startsWith('strategy.documented.')) return `<fact>.${key}`;
  if (/(^|\.)health$/.test(prefix)) return `<health>.${key}`;
  return prefix === '' ? key : `${prefix}.${key}`;
}
