import { describe, expect, it } from 'vitest';
import { createRedactor, REDACTED } from './redact.ts';
import { secretValuesOf } from './secret-variables.ts';

describe('what is secret among variables', () => {
  it.each([
    ['DB_PASSWORD', 'hunter2'],
    ['api_key', 'abc'],
    ['AUTHORIZATION', 'Basic eDp5'],
    ['DATABASE_URL', 'postgres://app:pw@db/shop'],
    ['SENTRY_DSN', 'https://3f9a8b7c@sentry.example/1'],
    ['CALLBACK_URL', 'https://hooks.example/in?sig=1234'],
    ['SLACK_URL', 'https://hooks.slack.example/services/T000/B000/abcdefghijklmnopqrstuvwx'],
    ['KEY', '/AbCdEfGhIjKlMnOpQrStUvWxYz01234567890AbCdE='],
  ])('%s=%s is', (name, value) => expect(secretValuesOf({ [name]: value })).toEqual([value]));

  it.each([
    ['GITHUB_SERVER_URL', 'https://github.com'],
    ['APP_URL', 'http://127.0.0.1:3000/api/v1'],
    ['GOOGLE_APPLICATION_CREDENTIALS', '/etc/gcp/sa.json'],
    ['SSH_AUTH_SOCK', '/run/user/1000/ssh-agent.1'],
    ['GIT_AUTHOR_NAME', 'Ann Smith'],
    ['NODE_ENV', 'production'],
    ['MISSING_TOKEN', undefined],
  ])('%s=%s is not', (name, value) => expect(secretValuesOf({ [name]: value })).toEqual([]));
});

describe('the password of a URL that is known to be secret', () => {
  it.each([
    ['pass%2Fword', 'pass%2Fword'],
    ['pass%2Fword', 'pass/word'],
    ['hunter2-%zz', 'hunter2-%zz'],
  ])('%s is hidden without its URL, as %s', (password, met) =>
    expect(createRedactor([`postgres://app:${password}@db.internal/shop`])(`got ${met}.`)).toBe(`got ${REDACTED}.`),
  );

  it.each([
    'postgres://postgres:postgres@localhost/shop',
    'postgres://app:shopshop@localhost/shopshop',
    'postgres://app:abc@localhost/shop',
  ])('not where the log would be shredded by it: %s', (url) => {
    const line = 'postgres 16 shopshop abc is up';
    expect(createRedactor([url])(line)).toBe(line);
  });
});
