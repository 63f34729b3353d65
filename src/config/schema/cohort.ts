import { z } from 'zod';
import { cohortTooLong } from '../../traffic/index.ts';
import type { CohortDefinition } from '../domain.ts';
import { section } from './scalars.ts';

/** RFC 9110 section 5.6.2: what a header or a cookie may be called. */
const token = z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'must be a name of a header or a cookie, such as x-user-id');

/** Visible ASCII with spaces inside, as a header's whole value. */
const value = z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/, 'must be visible ASCII, at most 200 characters');

const path = z.string().regex(/^\/(?:(?![?#])[\x21-\x7e]){0,199}$/, 'must begin with "/" and have no query');

const fieldFields = {
  header: token.optional().describe('Name of a header; looked at first.'),
  cookie: token.optional().describe('Name of a cookie.'),
};

const field = section(fieldFields).refine(({ header, cookie }) => header !== undefined || cookie !== undefined, 'needs a header or a cookie');

const onlyFields = {
  paths: z.array(path).min(1, 'would match no request').max(50).optional().describe('Prefixes by whole segments: /checkout is /checkout and all below it.'),
  header: z.record(token, z.array(value).min(1, 'would match no request').max(200)).optional().describe('By header, the values that match.'),
};

const only = section(onlyFields).refine(
  ({ paths, header }) => paths !== undefined || Object.keys(header ?? {}).length > 0,
  'needs paths or a header',
);

const cohortFields = {
  key: field.optional().describe("Where a user's or tenant's key is; the same key stays with one version."),
  sticky: z.boolean().optional().describe('A request without a key gets a cookie of its own (default false).'),
  force: field.optional().describe('Where canary, stable or a version overrides the choice.'),
  only: only.optional().describe('Only matching requests may get the canary.'),
};

/** Who stays with which version during a canary. */
export const cohort = section(cohortFields)
  .refine((given) => Object.values(given).some((one) => one !== undefined && one !== false), 'says nothing: give it key, sticky, force or only')
  .transform(({ only: rules, ...rest }, context): CohortDefinition => {
    const { paths, header } = rules ?? {};
    const kept = { ...(paths === undefined ? {} : { paths }), ...(header === undefined ? {} : { headers: header }) };
    const given = rules === undefined ? rest : { ...rest, only: kept };
    const problem = cohortTooLong(given);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
    return given;
  });
