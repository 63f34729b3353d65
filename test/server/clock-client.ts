import { createInterface } from 'node:readline';
import { createClient } from '../../packages/flags/src/node.ts';
import { keepCompiled } from '../support/child.ts';

/** A client in a process of its own: says how it is for each line that it is sent, and ends when there are no more. */
keepCompiled();
const client = createClient({
  url: process.env['TEST_URL'] ?? '',
  token: process.env['TEST_TOKEN'] ?? '',
  initTimeoutMs: 20_000,
  log: () => undefined,
});
await client.ready;
for await (const _line of createInterface({ input: process.stdin })) {
  const { state, staleForMs } = client.status();
  process.stdout.write(`${JSON.stringify({ on: client.boolean('release_on', {}, false), state, staleForMs, now: Date.now() })}\n`);
}
await client.close();
