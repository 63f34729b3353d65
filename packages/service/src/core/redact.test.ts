import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REDACTED, redactKeys, redactValues } from './redact.ts';

const plain = (error: Error): object => Object.assign({ message: error.message }, error);
const redact = (value: unknown): unknown => redactKeys(value, plain);

describe('keys', () => {
  it.each(['password', 'dbPassword', 'DB_PASSWORD', 'clientSecret', 'Authorization', 'set-cookie', 'x-api-key', 'apiKey', 'accessToken'])(
    '%s is hidden at any depth',
    (key) => {
      expect(redact({ a: [{ [key]: 'hunter2' }] })).toEqual({ a: [{ [key]: REDACTED }] });
    },
  );

  it.each(['tokenizer', 'secretary', 'passwordless', 'author', 'keyboard'])('%s is an ordinary word', (key) => {
    expect(redact({ [key]: 'x' })).toEqual({ [key]: 'x' });
  });

  it('of an error are hidden too, and its message stays', () => {
    expect(redact({ err: Object.assign(new Error('boom'), { token: 'x' }) })).toEqual({ err: { message: 'boom', token: REDACTED } });
  });

  it('in a circle or a pit end the walk', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(redact(circle)).toEqual({ self: '[circular]' });
    let pit: unknown = 'bottom';
    for (let depth = 0; depth < 100; depth += 1) pit = { pit };
    expect(JSON.stringify(redact(pit))).toContain('[too deep]');
  });
});

describe('values', () => {
  it('are removed plainly, as JSON and in a URL', () => {
    const clean = redactValues(['p"s s&1']);
    expect(clean(`p"s s&1 ${JSON.stringify({ a: 'p"s s&1' })} ?q=${encodeURIComponent('p"s s&1')}`)).toBe(
      `${REDACTED} {"a":"${REDACTED}"} ?q=${REDACTED}`,
    );
  });

  it('that contain each other leave nothing behind', () => {
    expect(redactValues(['abcd', 'abcdefgh'])('abcdefgh')).toBe(REDACTED);
  });

  it('in a URL are found without being known', () => {
    expect(redactValues([])('connect postgres://shop:hunter2@db:5432/shop failed')).toBe(
      `connect postgres://shop:${REDACTED}@db:5432/shop failed`,
    );
  });

  it('never appear in a log line, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, maxLength: 40 }), fc.string(), (secret, around) => {
        fc.pre(!REDACTED.includes(secret));
        const line = redactValues([secret])(JSON.stringify({ message: `${around}${secret}${around}` }));
        const { message } = JSON.parse(line) as { message: string };
        expect(message.replaceAll(REDACTED, '')).not.toContain(secret);
      }),
    );
  });
});
