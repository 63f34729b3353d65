import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plan } from '../../src/release/index.ts';
import { PREFLIGHT, STAGES } from '../../src/release/index.ts';
import { aDefinition } from '../support/definition.ts';
import { aPlan } from '../support/plan.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CLASSES = ['app', 'reversible', 'restore', 'forward-fix'] as const;

/** Ids of every step that some release can have, undo included. */
export function stepIds(): ReadonlySet<string> {
  const migrations = CLASSES.map((rollbackClass) => [{ name: '0001_a', sha256: 'b'.repeat(64), rollbackClass, because: 'a test' }]);
  const recreate = aDefinition({ strategy: { name: 'recreate', because: 'a test' } });
  const database = aDefinition().database;
  const embedded =
    database === null
      ? aDefinition()
      : aDefinition({
          database: {
            ...database,
            url: { embedded: 'shop' },
            lint: 'required',
            prove: 'required',
            surfaces: { files: ['schema.sql'], required: true },
          },
        });
  const members = [
    { service: 'shop', release: '01new' },
    { service: 'web', release: '01web' },
  ];
  const set = { id: '01new', name: 'whole', order: 'together' as const, members };
  const plans = [
    ...migrations.map((pending) => aPlan({ migrations: pending, backupNeedsQuiet: true })),
    aPlan({ definition: recreate }),
    aPlan({ definition: embedded }),
    aPlan({ previous: null }),
    aPlan({ set }),
    aPlan({ definition: aDefinition({ flags: ['release_checkout'] }) }),
  ];
  return new Set(plans.flatMap(idsOf));
}

function idsOf({ steps, undo, reSmoke, recall = [], flagsOff = [] }: Plan): readonly string[] {
  return [...steps, ...reSmoke, ...recall, ...flagsOff, ...Object.values(undo).flat()].map((step) => step.id);
}

/** Kinds of events, read from the type that lists them: types are gone when a test runs. */
export function eventTypes(): ReadonlySet<string> {
  const source = readFileSync(path.join(ROOT, 'src/release/core/events.ts'), 'utf8');
  const body = source.slice(source.indexOf('interface EventData'), source.indexOf('export type EventType'));
  return new Set([...body.matchAll(/^ {2}'([a-z.-]+)':/gm)].map(([, type = '']) => type));
}

/** Does some line of the sources pass this fault point? A `${...}` in its name stands for one word or more. */
export function isFaultPoint(name: string): boolean {
  return faultPatterns().some((pattern) => pattern.test(name));
}

function faultPatterns(): readonly RegExp[] {
  return sources()
    .flatMap((text) => [...text.matchAll(/faults\.at\((['`])(.+?)\1\)/g)].map(([, , name = '']) => name))
    .map((name) => new RegExp(`^${name.replaceAll('.', '\\.').replaceAll(/\$\{[^}]+\}/g, '[a-z-]+(?:\\.[a-z-]+)?')}$`));
}

/** Variables of Slipway's own that the sources read. */
export function variables(): ReadonlySet<string> {
  return new Set(sources().flatMap((text) => text.match(/SLIPWAY_[A-Z_]+/g) ?? []));
}

function sources(): readonly string[] {
  const folder = path.join(ROOT, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(path.join(folder, name), 'utf8'));
}

/** Keys of slipway.yaml with a dot, as docs/configuration.md lists them (which has a test of its own). */
export function configKeys(): ReadonlySet<string> {
  const text = readFileSync(path.join(ROOT, 'docs/configuration.md'), 'utf8');
  return new Set([...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key = '']) => key));
}

export function preflightNames(): ReadonlySet<string> {
  return new Set(Object.keys(PREFLIGHT).map((name) => `preflight.${name}`));
}

export function stages(): readonly string[] {
  return STAGES;
}
