import type { ParameterValue } from '../core/prove/values.ts';

/** A statement as a program sent it, and as the server accepted it. */
export interface SentStatement {
  readonly text: string;
  /** Null for one without the extended protocol, whose constants are in its text. */
  readonly values: readonly ParameterValue[] | null;
}

/** Cuts a stream of one direction of PostgreSQL's protocol (version 3) into messages. */
function messageReader(onMessage: (tag: string, body: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEAD) {
      const length = rest.readInt32BE(1) + 1;
      if (rest.length < length) return;
      onMessage(rest.toString('latin1', 0, 1), rest.subarray(HEAD, length));
      rest = rest.subarray(length);
    }
  };
}

const HEAD = 5;

/** Follows one connection, both directions of it, and tells each statement that the server carried out. */
export function followConnection(onStatement: (statement: SentStatement) => void) {
  const texts = new Map<string, string>();
  const portals = new Map<string, SentStatement>();
  /** Sent and not answered yet; null ends what belongs together: an error takes all before it along. */
  let pending: (SentStatement | null)[] = [];
  let failed = false;
  const settle = (): void => {
    const statement = pending.shift();
    if (statement !== null && statement !== undefined && !failed) onStatement(statement);
  };
  const sent = messageReader((tag, body) => {
    if (tag === 'P') {
      const [name, text] = strings(body, 2);
      texts.set(name ?? '', text ?? '');
    } else if (tag === 'B') {
      const bound = readBind(body);
      portals.set(bound.portal, { text: texts.get(bound.statement) ?? '', values: bound.values });
    } else if (tag === 'E') {
      const portal = portals.get(strings(body, 1)[0] ?? '');
      pending.push(portal ?? { text: '', values: [] });
    } else if (tag === 'Q') pending.push({ text: strings(body, 1)[0] ?? '', values: null }, null);
    else if (tag === 'S') pending.push(null);
  });
  const answered = messageReader((tag) => {
    if (tag === 'E') failed = true;
    // A text of several statements is answered several times, and told once, when all of it was carried out.
    else if ((tag === 'C' || tag === 's' || tag === 'I') && pending[0]?.values !== null) settle();
    else if (tag === 'Z') {
      while (pending.length > 0 && pending[0] !== null) settle();
      pending = pending.slice(1);
      failed = false;
    }
  });
  return { sent, answered };
}

function strings(body: Buffer, count: number): readonly string[] {
  const found: string[] = [];
  let at = 0;
  while (found.length < count) {
    const end = body.indexOf(0, at);
    if (end < 0) break;
    found.push(body.toString('utf8', at, end));
    at = end + 1;
  }
  return found;
}

function readBind(body: Buffer): { readonly portal: string; readonly statement: string; readonly values: readonly ParameterValue[] } {
  const [portal = '', statement = ''] = strings(body, 2);
  let at = Buffer.byteLength(portal) + Buffer.byteLength(statement) + 2;
  const formats = Array.from({ length: body.readInt16BE(at) }, (_, index) => body.readInt16BE(at + 2 + 2 * index));
  at += 2 + 2 * formats.length;
  const count = body.readInt16BE(at);
  at += 2;
  const values: ParameterValue[] = [];
  for (let index = 0; index < count; index += 1) {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) {
      values.push(null);
      continue;
    }
    const bytes = body.subarray(at, at + length);
    at += length;
    const binary = (formats.length === 1 ? formats[0] : formats[index]) === 1;
    values.push(binary ? { hex: bytes.toString('hex') } : bytes.toString('utf8'));
  }
  return { portal, statement, values };
}
