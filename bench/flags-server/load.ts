/** The load generator of `bench/flags-server.ts`: for each message sends so many OFREP requests over kept-alive sockets, then reports. */
import { connect } from 'node:net';

interface Job {
  readonly port: number;
  readonly token: string;
  readonly size: number;
  readonly kind: string;
  readonly requests: number;
  readonly connections: number;
  readonly contexts: number;
}

let everNew = 0;

process.on('message', (job: Job) => void run(job).then((report) => process.send?.(report)));
process.once('disconnect', () => process.exit(0));

async function run(job: Job): Promise<{ readonly bytes: number; readonly failed: number }> {
  const { kind, requests, connections } = job;
  const etag = kind === 'bulk, 304' ? await etagOf(job) : '';
  let sent = 0;
  const next = (): string | null => (sent < requests ? requestOf(job, sent++, etag) : null);
  const sizes: number[] = [];
  const wanted = kind === 'bulk, 304' ? '304' : '200';
  await Promise.all(Array.from({ length: connections }, () => oneConnection(job.port, next, (size) => sizes.push(size), wanted)));
  return { bytes: sizes[0] ?? 0, failed: requests - sizes.length };
}

function requestOf({ token, size, kind, contexts }: Job, at: number, etag: string): string {
  const who = kind === 'bulk, each context new' ? `new-${everNew++}` : `user-${kind === 'bulk, 304' ? 0 : at % contexts}`;
  const body = JSON.stringify({ context: { targetingKey: who, email: `${who}@shop.example`, version: '1.2.3' } });
  const path = kind === 'single' ? `/release_bench_${at % size}` : '';
  const shown = etag === '' ? '' : `if-none-match: ${etag}\r\n`;
  return `POST /ofrep/v1/evaluate/flags${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n${shown}content-length: ${body.length}\r\n\r\n${body}`;
}

async function etagOf(job: Job): Promise<string> {
  const [head = '', body = ''] = requestOf(job, 0, '').split('\r\n\r\n');
  const headers = { authorization: /authorization: (.*)\r/.exec(head)?.[1] ?? '', 'content-type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${job.port}/ofrep/v1/evaluate/flags`, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return response.headers.get('etag') ?? '';
}

/** Ends when there is nothing left to send or the connection breaks; what was not answered as wanted counts as failed. */
function oneConnection(port: number, take: () => string | null, done: (bytes: number) => void, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    let chunks: string[] = [];
    let got = 0;
    let whole = Number.POSITIVE_INFINITY;
    const next = (): void => {
      [chunks, got, whole] = [[], 0, Number.POSITIVE_INFINITY];
      const request = take();
      if (request === null) socket.end();
      else socket.write(request);
    };
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      chunks.push(chunk);
      got += chunk.length;
      if (whole === Number.POSITIVE_INFINITY) {
        const text = chunks.join('');
        const head = text.indexOf('\r\n\r\n');
        if (head >= 0) whole = head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      }
      if (got < whole) return;
      if (chunks[0]?.startsWith(`HTTP/1.1 ${wanted}`) === true) done(got);
      next();
    });
    socket
      .once('connect', next)
      .once('error', () => socket.destroy())
      .once('close', () => resolve());
  });
}
