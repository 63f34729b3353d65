import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { createAnswerMemory } from './answer-memory.ts';

const KB = 1024;
let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Answers with so many KB of the letter that was asked for. */
async function serve(
  kilobytes: number,
): Promise<{ readonly ask: (letter: string) => Promise<IncomingMessage>; readonly used: Set<ArrayBuffer>; readonly port: number }> {
  const memory = createAnswerMemory();
  const used = new Set<ArrayBuffer>();
  server = createServer((incoming, outgoing) => {
    const bytes = memory.take(kilobytes * KB, outgoing);
    used.add(bytes.buffer);
    outgoing.end(bytes.fill(incoming.url?.at(1) ?? '-'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (letter: string): Promise<IncomingMessage> => {
    const [answer] = (await once(request({ host: '127.0.0.1', port, path: `/${letter}`, agent: false }).end(), 'response')) as [
      IncomingMessage,
    ];
    return answer;
  };
  return { ask, used, port };
}

/** How many bytes of it are this letter, up to the first that is not. */
async function lengthOf(answer: IncomingMessage, letter: string): Promise<number> {
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (!chunk.equals(Buffer.alloc(chunk.length, letter))) return length;
    length += chunk.length;
  }
  return length;
}

test('what is sent to one client never becomes what is sent to another, however slowly some read', async () => {
  const { ask, used, port } = await serve(900);
  // Asked for at once and not read: more than the system takes, so that most of it waits in the process.
  const slow = connect(port, '127.0.0.1').pause();
  const letters = Array.from('abcdefghijklmnopqrst');
  const asked = letters.map((letter) => `GET /${letter} HTTP/1.1\r\nhost: x\r\n${letter === 't' ? 'connection: close\r\n' : ''}\r\n`);
  slow.write(asked.join(''));
  for (const letter of 'ABCDEFGHIJKLMNOPQRST') expect(await lengthOf(await ask(letter), letter)).toBe(900 * KB);
  let text = await buffer(slow);
  for (const letter of letters) {
    const from = text.indexOf('\r\n\r\n') + 4;
    expect(text.subarray(from, from + 900 * KB).equals(Buffer.alloc(900 * KB, letter))).toBe(true);
    text = text.subarray(from + 900 * KB);
  }
  expect(used.size).toBeLessThan(40);
});

test('one after the other they take the same memory', async () => {
  const { ask, used } = await serve(75);
  for (const letter of 'abcdef') expect(await lengthOf(await ask(letter), letter)).toBe(75 * KB);
  expect(used.size).toBe(1);
});
