import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { positionOf, snapshotEtag } from '../../../packages/flags/src/core/stream/wire.ts';

/** One server-sent event, whole. `data` has no line ends: it is JSON. */
export function eventFrame(type: string, data: string, id: string | null = null): Buffer {
  return Buffer.from(`${id === null ? '' : `id: ${id}\n`}event: ${type}\ndata: ${data}\n\n`, 'utf8');
}

/** The whole of an environment, encoded once for everybody. */
export interface EncodedSnapshot {
  readonly seq: number;
  readonly frame: Buffer;
  readonly body: Buffer;
  readonly etag: string;
  gzipped(): Promise<Buffer>;
}

const zip = promisify(gzip);

export function encodeSnapshot(seq: number, tag: string, envelope: string): EncodedSnapshot {
  const body = Buffer.from(envelope, 'utf8');
  let gzipped: Promise<Buffer> | null = null;
  return {
    seq,
    frame: eventFrame('snapshot', envelope, positionOf(seq, tag)),
    body,
    etag: snapshotEtag(seq, tag),
    gzipped: () => (gzipped ??= zip(body)),
  };
}
