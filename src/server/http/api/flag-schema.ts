import { z } from 'zod';
import type { Condition, Flag, Segment } from '../../../flags/index.ts';

/**
 * The shape of a flag, for the document that describes the API, and so that a wrong request is told by its field. What a shape cannot
 * say (variants that are named and not there, cycles, patterns) the flag room's own check says afterwards; nothing that it takes is refused
 * here, or flags that came from files could not be changed.
 */

const name = z.string().min(1).max(200);
const scalar = z.union([z.string().max(4_096), z.number(), z.boolean()]);
const attribute = z
  .string()
  .min(1)
  .max(500)
  .describe('Path of an attribute of the context: `plan`, `user.address.country`; a name with a dot in quotes.');
const weight = z.int().min(0).max(100_000).describe('In thousandths of a percent: 100000 is everybody.');

const comparison = z
  .union([
    z.strictObject({ attribute, operator: z.enum(['exists', 'missing']) }),
    z.strictObject({ attribute, operator: z.enum(['eq', 'ne']), value: scalar }),
    z.strictObject({ attribute, operator: z.enum(['in', 'notIn']), values: z.array(scalar).min(1).max(10_000) }),
    z.strictObject({ attribute, operator: z.enum(['contains', 'notContains', 'matches']), value: z.string().min(1).max(4_096) }),
    z.strictObject({
      attribute,
      operator: z.enum(['startsWith', 'endsWith']),
      values: z.array(z.string().min(1).max(4_096)).min(1).max(10_000),
      ignoreCase: z.boolean().optional(),
    }),
    z.strictObject({ attribute, operator: z.enum(['lt', 'lte', 'gt', 'gte']), value: z.number() }),
    z.strictObject({
      attribute,
      operator: z.enum(['semverEq', 'semverLt', 'semverLte', 'semverGt', 'semverGte', 'before', 'after']),
      value: z.string().min(1).max(1_000),
    }),
  ])
  .meta({
    id: 'Comparison',
    description: 'An attribute that is missing, null or of another type than the operator works on never matches.',
  });

const condition: z.ZodType<Condition> = z
  .lazy(() =>
    z.union(
      [
        z.strictObject({ all: z.array(condition).max(1_000) }),
        z.strictObject({ any: z.array(condition).max(1_000) }),
        z.strictObject({ not: condition }),
        z.strictObject({ segment: name }),
        z.strictObject({ percentage: weight, by: attribute.optional(), salt: z.string().max(1_000).optional() }),
        comparison,
      ],
      'must be { attribute, operator, value or values }, { segment }, { percentage } in thousandths of a percent, { all }, { any } or { not }',
    ),
  )
  .meta({ id: 'Condition', description: 'What must hold of a context.' }) as z.ZodType<Condition>;

const serve = z
  .union([
    z.strictObject({ variant: name }),
    z.strictObject({
      weights: z
        .array(z.strictObject({ variant: name, weight }))
        .min(1)
        .max(100),
      by: attribute.optional(),
      salt: z.string().max(1_000).optional(),
    }),
  ])
  .meta({ id: 'Serve', description: 'One variant for everybody, or a split of everybody by a stable hash; weights sum up to 100000.' });

const about = z
  .strictObject({
    name: z.string().max(200),
    description: z.string().max(5_000),
    owner: z.string().max(200).describe('Who answers for it: a person or a team.'),
    tags: z.array(z.string().max(200)).max(100),
    createdAt: z.string().max(100).describe('ISO 8601, UTC.'),
    expiresAt: z.string().max(100).nullable().describe('When it should be gone; null only for ops and permission.'),
  })
  .meta({ id: 'About', description: 'What people know of a flag; nothing of it decides a value.' });

export const flagSchema: z.ZodType<Flag> = z
  .strictObject({
    type: z.enum(['release', 'ops', 'experiment', 'permission']),
    valueType: z.enum(['boolean', 'string', 'number', 'json']),
    variants: z.record(name, z.json()).describe('Values by the name of their variant; all of valueType.'),
    enabled: z.boolean().describe('False: everybody gets the variant `off`.'),
    off: name.describe('The safe variant: served while the flag is off or a prerequisite is not met.'),
    rules: z
      .array(z.strictObject({ name, when: condition, serve }))
      .max(1_000)
      .describe('Tried in their order; the first whose `when` holds serves.'),
    default: serve,
    prerequisites: z.array(z.strictObject({ flag: name, variants: z.array(name).min(1).max(100) })).max(100),
    salt: z.string().min(1).max(1_000),
    hash: z.literal(1),
    stale: z
      .strictObject({ afterMs: z.int().min(1) })
      .nullable()
      .describe('When a client that hears nothing any more serves `off`; null: it serves what it knew last.'),
    about,
  })
  .meta({ id: 'Flag', description: 'Evaluated in this order: off, prerequisites, rules, default.' }) as z.ZodType<Flag>;

export const segmentSchema: z.ZodType<Segment> = z
  .strictObject({ description: z.string().max(4_096), when: condition })
  .meta({ id: 'Segment', description: 'A named group of contexts, used by many flags.' });
