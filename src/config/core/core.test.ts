import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';
import { overlay } from './overlay.ts';
import { findSecret, isNamedSecret, passesSecret } from './secrets.ts';

describe('nearest', () => {
  it.each([
    ['procceses', 'processes'],
    ['heatlh', 'health'],
    ['Listen', 'listen'],
    ['colour', null],
  ])('%s -> %s', (word, meant) => expect(nearest(word, ['processes', 'health', 'listen', 'smoke'])).toBe(meant));

  it('measures a distance: zero to itself, symmetric', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => editDistance(a, b) === editDistance(b, a) && editDistance(a, a) === 0));
  });
});

describe('overlay', () => {
  it('merges maps, replaces the rest, removes with null', () => {
    const base = { a: { b: 1, c: [1, 2] }, d: 1, e: 2 };
    expect(overlay(base, { a: { c: [3] }, d: null, e: { f: 1 } })).toEqual({ a: { b: 1, c: [3] }, e: { f: 1 } });
  });

  it('does not change an object prototype', () => {
    overlay({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is idempotent, and an empty patch changes nothing', () => {
    const json = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.integer(), fc.array(fc.integer()), fc.dictionary(fc.constantFrom('a', 'b'), fc.option(fc.integer()))),
    );
    fc.assert(
      fc.property(json, json, (base, patch) => {
        expect(overlay(base, {})).toEqual(base);
        const once = overlay(base, patch);
        expect(overlay(once, patch)).toEqual(once);
      }),
    );
  });
});

describe('secrets', () => {
  it.each([
    'postgres://u:hunter2@host/db',
    'redis://:hunter2@host',
    '-----BEGIN RSA PRIVATE KEY-----',
    'x ghp_abcdefghijklmnopqrstuvwxyz0123',
    `slp_4f1c09d2a7b36e58_${'a1'.repeat(32)}`,
    'AKIAIOSFODNN7EXAMPLE',
    'Bearer abcdef0123456789abcdef',
    'psql --password=hunter2',
    'PGPASSWORD=hunter2 psql',
    '{"apiKey": "hunter2"}',
    String.raw`{\"password\":\"hunter2\"}`,
    "alter role app password 'hunter2'",
    'curl -d x https://hooks.slack.com/services/T0000AAAA/B0000AAAA/abcdefghijkl',
    'https://discord.com/api/webhooks/123456789012345678/abcdef-ghijkl',
  ])('finds %s', (text) => expect(findSecret(text)).not.toBeNull());

  it.each([
    'postgres://u:${env:PW}@host/db',
    'postgres://${env:U}:${secret:P}@${env:H}:5432/db',
    'postgres://host:5432/db',
    'Bearer ${secret:TOKEN}',
    'token=${env:T} --password=${secret:P} --verbose',
    'bearer authentication is required',
    '{"password":"${secret:PW}"}',
    'the "password": see the vault',
    "alter role app password '${secret:PW}'",
    'https://example.com/a@b',
    'https://hooks.slack.com/services/${secret:SLACK_PATH}',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  ])('passes %s', (text) => expect(findSecret(text)).toBeNull());

  it.each([
    ['password', 'x', true],
    ['DB_PASSWORD', 'x', true],
    ['apiKey', 'x', true],
    ['PGPASSWORD', 'x', true],
    ['MYSQL_PWD', 'x', true],
    ['SECRET_KEY_BASE', 'x', true],
    ['Authorization', 'x', true],
    ['token', 1234, true],
    ['STRIPE_KEY', 'a1b2c3d4e5f6a7b8c9', true],
    ['STRIPE_KEY', '${env:STRIPE_KEY}', false],
    ['PRIMARY_KEY', 'a1b2c3d4e5f6a7b8c9', false],
    ['PUBLIC_KEY', 'a1b2c3d4e5f6a7b8c9', false],
    ['LICENSE_KEY', 'path/to/the/licence1', false],
    ['MENU_KEY', 'file-open', false],
    ['S3_OBJECT_KEY', 'releases-2024-10-01-build', false],
    ['SSH_KEY', 'id_ed25519_deploy', false],
    ['monkey', 'a1b2c3d4e5f6a7b8c9', false],
    ['password', '${env:PW}', false],
    ['password', true, false],
    ['secrets', 'security', false],
    ['path', '/token', false],
  ])('%s: %s is a named secret: %s', (name, value, secret) => expect(isNamedSecret(name, value)).toBe(secret));

  it.each([
    ['deploy --password hunter2', null, true],
    ['deploy --db-token hunter2 --fast', null, true],
    ['hunter2', '--api-key', true],
    ['deploy --password ${secret:PW}', null, false],
    ['curl -u ann:hunter2 http://localhost', null, true],
    ['curl --user=ann:hunter2', null, true],
    ['curl -u ann:${secret:PW} http://localhost', null, false],
    ['docker run -u 1000:1000 app', null, false],
    ['redis-cli -u redis://localhost:6379 ping', null, false],
    ['docker run -u node:node app', null, false],
    ['rsync -u build:/srv out', null, false],
    ['${secret:PW}', '--token', false],
    ['deploy --password-file /run/secrets/db', null, false],
    ['docker build --secret id=npm,src=.npmrc .', null, false],
    ['id=npm', '--secret', false],
    ['--fast', '--token', false],
    ['server.js', 'node', false],
  ])('%s after %s passes a secret: %s', (text, before, secret) => expect(passesSecret(text, before)).toBe(secret));
});
