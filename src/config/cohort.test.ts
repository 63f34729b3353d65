import { describe, expect, it } from 'vitest';
import { checkConfig, parseConfig } from './parse.ts';

const canary = (cohort: string): string =>
  `service: shop\nlisten: 8080\nrun: node server.js\nstrategy: { name: canary, because: a test, cohort: ${cohort} }\n`;
const problems = (cohort: string): string => {
  const checked = checkConfig(canary(cohort), { file: 'slipway.yaml', environment: undefined });
  return checked.ok ? '' : checked.problems.map(({ path, message }) => `${path}: ${message}`).join('\n');
};

describe('strategy.cohort', () => {
  it('is taken over as the router has it', () => {
    const text =
      '{ key: { header: x-user-id, cookie: uid }, sticky: true, force: { cookie: v }, only: { paths: [/checkout], header: { x-region: [eu, us] } } }';
    expect(parseConfig(canary(text), { file: 'slipway.yaml' }).strategy.canary?.cohort).toEqual({
      key: { header: 'x-user-id', cookie: 'uid' },
      sticky: true,
      force: { cookie: 'v' },
      only: { paths: ['/checkout'], headers: { 'x-region': ['eu', 'us'] } },
    });
    expect(parseConfig(canary('{ sticky: true }'), { file: 'slipway.yaml' }).strategy.canary?.cohort).toEqual({ sticky: true });
  });

  it.each([
    ['{}', 'says nothing'],
    ['{ sticky: false }', 'says nothing'],
    ['{ key: {} }', 'needs a header or a cookie'],
    ['{ key: { header: "x user" } }', 'must be a name'],
    ['{ force: { cookie: "a;b" } }', 'must be a name'],
    ['{ key: { header: "" } }', 'must be a name'],
    ['{ only: {} }', 'needs paths or a header'],
    ['{ only: { paths: [] } }', 'would match no request'],
    ['{ only: { paths: [checkout] } }', 'must begin with "/"'],
    ['{ only: { paths: ["/a?b=1"] } }', 'must begin with "/"'],
    ['{ only: { header: {} } }', 'needs paths or a header'],
    ['{ only: { header: { x-region: [] } } }', 'would match no request'],
    ['{ only: { header: { x-region: ["e\\nu"] } } }', 'must be visible ASCII'],
    ['{ only: { header: { "x region": [eu] } } }', 'header'],
    ['{ keys: { header: a } }', 'keys'],
    [
      `{ only: { header: { x-tenant: [${Array.from({ length: 150 }, (_, tenant) => `tenant-of-${tenant}`).join(', ')}] } } }`,
      'at most 5000 are possible',
    ],
  ])('refuses %s', (text, words) => expect(problems(text)).toContain(words));
});
