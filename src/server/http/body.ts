import type { IncomingMessage } from 'node:http';
import { SlipwayError } from '../../kernel/index.ts';

/** Deeper JSON is nobody's data, and a danger to whatever walks it. */
const DEEPEST = 64;

/** A body that is no JSON, or too much of it. */
export class BodyError extends SlipwayError {}

/**
 * Reads a whole body as text. From node's own stream: a web stream for each request would cost more than the answer.
 * @throws SlipwayError `too_large`, `request_invalid`
 */
export async function readText(incoming: IncomingMessage, mostBytes: number): Promise<string> {
  const tooLarge = (): BodyError => new BodyError('too_large', `The body has more than ${mostBytes} bytes`, { hint: 'Send less at once.' });
  // Refused before it is read, where the client says how much will come.
  if (Number(incoming.headers['content-length'] ?? 0) > mostBytes) throw tooLarge();
  const encoding = incoming.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new BodyError('request_invalid', 'The body is compressed', { hint: 'Send it without a content-encoding.' });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) {
        incoming.removeAllListeners('data').pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    incoming.once('end', () => resolve((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8')));
    incoming.once('error', reject);
    incoming.once('close', () => {
      // Of nearly all it is over by then, and an error with its stack costs more than the answer.
      if (!incoming.readableEnded) reject(new BodyError('request_invalid', 'The body ended early'));
    });
  });
}

/**
 * Parses JSON that came from outside.
 * @throws SlipwayError `request_invalid`
 */
export function parseJson(text: string): unknown {
  if (isDeep(text)) throw new BodyError('request_invalid', `The JSON is nested more than ${DEEPEST} levels deep`, { hint: 'Flatten it.' });
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // What the parser says quotes the body, which may hold a secret.
    throw new BodyError('request_invalid', 'The body is no JSON', { hint: 'Send one JSON document in UTF-8.' });
  }
}

/** By hand, not by what parses: that may need a stack as deep as the text wants it to be. */
function isDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (isOne(code, OPENERS)) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (isOne(code, CLOSERS)) depth -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENERS = [0x5b, 0x7b] as const;
const CLOSERS = [0x5d, 0x7d] as const;

function isOne(code: number, [first, second]: readonly [number, number]): boolean {
  return code === first || code === second;
}
