import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS } from './errors.ts';
import { createLineRedactor, createRedactor, REDACTED, redactDeep } from './redact.ts';

const alnum = (min: number, max: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[A-Za-z0-9]{${min},${max}}$`));
const PEM_BODY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';

/** Each class of secret: how it is planted, and the part that must not be seen afterwards. */
const PLANTED: Readonly<Record<string, fc.Arbitrary<{ text: string; secret: string }>>> = {
  'URL password': alnum(6, 40).map((secret) => ({ secret, text: `postgres://app:${secret}p@ss@db.internal:5432/shop` })),
  'bearer token': alnum(8, 60).map((secret) => ({ secret, text: `Authorization: Bearer ${secret}` })),
  'basic header': alnum(8, 60)
    .map((plain) => Buffer.from(plain).toString('base64'))
    .map((secret) => ({ secret, text: `authorization: Basic ${secret}` })),
  'JSON web token': alnum(20, 40).map((secret) => ({ secret, text: `eyJhbGciOiJIUzI1NiJ9.eyJ${secret}.${secret}` })),
  'PEM key': alnum(64, 64).map((secret) => ({ secret, text: `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n-----END RSA PRIVATE KEY-----` })),
  'GitHub token': alnum(36, 36).map((secret) => ({ secret, text: `ghp_${secret}` })),
  'GitHub token of one repository': alnum(22, 60).map((secret) => ({ secret, text: `github_pat_${secret}` })),
  'npm token': alnum(36, 36).map((secret) => ({ secret, text: `npm_${secret}` })),
  'Slack token': alnum(12, 40).map((secret) => ({ secret, text: `xoxb-${secret}` })),
  'AWS id': fc.stringMatching(/^[A-Z0-9]{16}$/).map((secret) => ({ secret, text: `AKIA${secret}` })),
  'AWS id for a while': fc.stringMatching(/^[A-Z0-9]{16}$/).map((secret) => ({ secret, text: `ASIA${secret}` })),
  'Google API id': alnum(35, 35).map((secret) => ({ secret, text: `AIza${secret}` })),
  'Stripe token': alnum(24, 40).map((secret) => ({ secret, text: `rk_live_${secret}` })),
  'Vault token': alnum(24, 60).map((secret) => ({ secret, text: `hvs.${secret}` })),
  'pwd assignment': alnum(6, 40).map((secret) => ({ secret, text: `pwd=${secret}` })),
  'passphrase assignment': alnum(6, 40).map((secret) => ({ secret, text: `passphrase: ${secret}` })),
  'GitLab token': alnum(20, 20).map((secret) => ({ secret, text: `glpat-${secret}` })),
  "Slipway's own token": alnum(64, 64).map((secret) => ({ secret, text: `slp_4f1c09d2a7b36e58_${secret}` })),
  'password assignment': alnum(6, 40).map((secret) => ({ secret, text: `DB_PASSWORD=${secret}` })),
  'JSON password': alnum(6, 40).map((secret) => ({ secret, text: JSON.stringify({ apiKey: `${secret}"'; \\${secret}` }) })),
  'JSON in JSON': alnum(6, 40).map((secret) => ({ secret, text: JSON.stringify(JSON.stringify({ clientSecret: secret })) })),
  'token assignment': alnum(6, 40).map((secret) => ({ secret, text: `deploy_token: ${secret}` })),
  'token in code': alnum(6, 40).map((secret) => ({ secret, text: `token = md5(${secret})` })),
  'token with a bracket': alnum(6, 40).map((secret) => ({ secret, text: `token=ab(${secret}(x` })),
  'password like a call': alnum(6, 40).map((secret) => ({ secret, text: `password=${secret}()` })),
  'command-line flag': alnum(6, 40).map((secret) => ({ secret, text: `psql --db-password ${secret}` })),
  'argv flag': alnum(6, 40).map((secret) => ({ secret, text: JSON.stringify(['--token', secret]) })),
  'SQL password': alnum(6, 40).map((secret) => ({ secret, text: `ALTER ROLE app PASSWORD '${secret}''${secret}'` })),
  cookie: alnum(6, 40).map((secret) => ({ secret, text: `Set-Cookie: sid=${secret}; Path=/` })),
  'e-mail address': alnum(6, 30).map((local) => ({ secret: `${local}@`, text: `${local}@example.co.uk` })),
};

const noise = fc.string({ unit: fc.constantFrom(...Array.from('abz019 .:/-_=,;{}[]()$%|<>#\n\t')), maxLength: 40 });
const gap = fc.constantFrom(' ', '\n', '\t', ' | ', '; ');

describe('planted secrets', () => {
  it.each(Object.entries(PLANTED))('%s does not survive in any position', (_name, planted) => {
    const redact = createRedactor();
    fc.assert(
      fc.property(planted, noise, noise, gap, ({ text, secret }, before, after, between) => {
        const out = redact(`${before}${between}${text}${between}${after}`);
        expect(out).not.toContain(secret);
        expect(redact(out)).toBe(out);
      }),
      { numRuns: 300 },
    );
  });

  it('hides a known value as it is, URL-encoded, in base64 at any alignment, in JSON and doubled', () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: 12, maxLength: 40 })
      .filter((text) => text.trim().length >= 12 && !text.includes('\u0000'));
    fc.assert(
      fc.property(value, fc.nat(2), noise, (secret, shift, around) => {
        const redact = createRedactor([secret]);
        const bytes = Buffer.from(`${'x'.repeat(shift)}${secret}:y`);
        const inner = bytes.toString('base64').slice(4, Math.floor((bytes.length * 4) / 3) - 8);
        expect(redact(`${around}${secret}${secret}${around}`)).toContain(REDACTED);
        expect(redact(`${around}${secret}${around}`)).not.toContain(secret);
        expect(redact(JSON.stringify({ around, secret }))).not.toContain(JSON.stringify(secret).slice(1, -1));
        expect(redact(`q=${encodeURIComponent(secret)}`)).not.toContain(encodeURIComponent(secret));
        expect(redact(new URLSearchParams({ q: secret }).toString())).toBe(`q=${REDACTED}`);
        expect(redact(`>${bytes.toString('base64')}<`)).not.toContain(inner);
        expect(redact(`>${bytes.toString('base64url')}<`)).not.toContain(inner.replaceAll('+', '-').replaceAll('/', '_'));
      }),
      { numRuns: 300 },
    );
  });

  it('leaves no tail of a secret that overlaps another', () => {
    expect(createRedactor(['abcdef', 'defghi'])('>abcdefghi<')).toBe(`>${REDACTED}<`);
    expect(createRedactor(['abcdabcd'])('>abcdabcdabcd<')).toBe(`>${REDACTED}<`);
    expect(createRedactor(['partly'])('password=partly-and-more next')).toBe(`password=${REDACTED} next`);
  });

  it('hides each line of a known value of many lines', () => {
    const redact = createRedactor(['first-line-of-it\nsecond-line-of-it']);
    expect(redact('a first-line-of-it b')).toBe(`a ${REDACTED} b`);
    expect(redact('a second-line-of-it b')).toBe(`a ${REDACTED} b`);
  });

  it('hides keys and values inside an object', () => {
    expect(redactDeep({ 'a@b.example': ['Bearer abcdefgh1', 7, null] }, createRedactor())).toEqual({
      '[e-mail]': [`Bearer ${REDACTED}`, 7, null],
    });
  });
});

describe('ordinary output survives', () => {
  it.each([
    '/srv/app/releases/1.2.0/node_modules/.bin/tsc -p tsconfig.json --outDir ./dist',
    '123e4567-e89b-12d3-a456-426614174000 01jd0q3w8x5m2v7k9r4t6y8z0a',
    'commit 04fe96b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7 (HEAD -> main, tag: v1.2.0)',
    'ghcr.io/acme/shop@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'token: 3 of 5, tokens=4096, max_tokens: 12, Unexpected token: } in JSON',
    'password: ${secret:DB_PASSWORD} PGPASSWORD=${env:PGPASSWORD} password: null',
    'PASSWORD_FILE=/run/secrets/db keyboard: yes monkey=3 author: ada secrets are hidden',
    `UPDATE t SET token = gen_random_uuid()) WHERE token IS NULL; token = public.gen_random_uuid()::text, x`,
    `UPDATE t SET api_token = encode(gen_random_bytes(16), 'hex') WHERE true`,
    'git@github.com:acme/shop.git lodash@4.17.21 react@19.0.0-rc.beta @types/node@24.19.2',
    'http://127.0.0.1:8080/health?verbose=1 postgres://app@localhost:5432/shop',
    '2026-11-21T09:30:00.123Z INFO GET /api/items/42 200 3ms task-runner-for-background-jobs-42',
    '-----BEGIN CERTIFICATE-----',
  ])('%s', (line) => {
    expect(createRedactor()(line)).toBe(line);
    expect(createLineRedactor()(line)).toBe(line);
  });

  it('keeps short values such as `dev`', () => {
    expect(createRedactor(['dev', ''])('dev device')).toBe('dev device');
  });
});

describe('a stream, line by line', () => {
  it('hides a PEM key spread over lines, whatever stands before them, and shows what follows', () => {
    const redact = createLineRedactor();
    const lines = [
      'start',
      'web | -----BEGIN OPENSSH PRIVATE KEY-----',
      `web | ${PEM_BODY}`,
      'web | Qw==',
      '',
      '-----END OPENSSH PRIVATE KEY----- done',
      'next',
    ];
    const out = lines.map(redact);
    expect(out).toEqual(['start', `web | ${REDACTED}`, REDACTED, REDACTED, REDACTED, `${REDACTED} done`, 'next']);
  });

  it('sees a second key that begins on the line that ends the first', () => {
    const redact = createLineRedactor();
    const out = [
      '-----BEGIN PRIVATE KEY-----',
      '-----END PRIVATE KEY----------BEGIN PRIVATE KEY-----',
      PEM_BODY,
      '-----END PRIVATE KEY-----',
      'x',
    ].map(redact);
    expect(out.join('\n')).not.toContain('MII');
    expect(out.at(-1)).toBe('x');
  });

  it('shows the log again when a key never ends', () => {
    const redact = createLineRedactor();
    redact('-----BEGIN PRIVATE KEY-----');
    const out = Array.from({ length: 500 }, (_, index) => redact(`line ${index}`));
    expect(out[300]).toBe(REDACTED);
    expect(out[450]).toBe('line 450');
  });

  it('keeps two streams apart', () => {
    const [one, two] = [createLineRedactor(), createLineRedactor()];
    one('-----BEGIN PRIVATE KEY-----');
    expect(two('hello')).toBe('hello');
  });
});

it('hides the secret part of a webhook, and shows whose it is', () => {
  const told = createRedactor()('POST https://hooks.slack.com/services/T0AAA/B0AAA/abcdefghijkl failed');
  expect(told).toBe(`POST https://hooks.slack.com/services/${REDACTED} failed`);
});

describe('ten megabytes', () => {
  it('of one word, or of many keys, end neither the stack nor the patience', () => {
    const redact = createRedactor(['Plant.(ed)']);
    const word = 'a'.repeat(10_000_000);
    expect(redact(word)).toBe(word);
    const keys = '-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n'.repeat(150_000);
    expect(redact(keys)).toBe(`${REDACTED}\n`.repeat(150_000));
  });

  it('hide a secret wherever it stands, also around the cut', () => {
    const redact = createRedactor(['Plant.(ed)']);
    for (const before of [1024 * 1024 - 20, 1024 * 1024 - 3, 3_000_000]) {
      const out = redact(`${'a\n'.repeat(before / 2)}Plant.(ed) postgres://app:hunter2@db/x Bearer abcdefgh1234${' b'.repeat(1_000_000)}`);
      expect(out).not.toMatch(/Plant|hunter2|abcdefgh/);
    }
  });
});

// A pattern that scans quadratically needs hours for these; the test's own time limit is the judge.
describe('a hostile line of a megabyte takes no more than its length', () => {
  const pieces = [
    'a.',
    'a-',
    'eyJ-',
    'eyJhhhhhhhh.',
    '://a:',
    'a://',
    'password',
    'password ',
    'password=',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE',
  ];
  const more = [
    'authorization ',
    'authorization:',
    'bearer ',
    '@',
    'a@a.',
    'sk-',
    'https://a.',
    'ghp_',
    '"',
    '\\"',
    ' ',
    '--',
    '--password ',
    'cookie:',
    "password '",
    "''",
    'abcabc',
    'abc',
    'token=aaaaa',
    '[redacted]',
  ];
  it.each([...pieces, ...more])('%j', (piece) => {
    const redact = createRedactor(['abcabc']);
    for (const start of ['', 'password="', 'a://b:'])
      expect(redact(start + piece.repeat(1_000_000 / piece.length)).length).toBeGreaterThan(0);
  });
});

describe('hints of errors', () => {
  it.each(Object.entries(ERRORS))('%s keeps its hint whole', (_code, { hint }) => {
    expect(createRedactor()(hint)).toBe(hint);
  });
});
