import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { createInternalOnly } from './internal-only.ts';

/** Not over HTTP: Node cuts the space after `Bearer` off, others may not. */
const from = (authorization?: string): IncomingMessage =>
  ({ headers: { authorization }, socket: { remoteAddress: '203.0.113.9' } }) as unknown as IncomingMessage;

it('lets nobody in by an empty token', () => {
  const mayLook = createInternalOnly({ token: '', loopback: false });
  expect(['Bearer ', 'Bearer', '', undefined].map((authorization) => mayLook(from(authorization)))).toEqual([false, false, false, false]);
  expect(createInternalOnly({ token: 'let-me-in', loopback: false })(from('Bearer let-me-in'))).toBe(true);
});
