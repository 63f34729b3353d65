/** The load generator: for each message `{ port, requests, connections }` sends that many GETs over kept-alive sockets and reports. */
import { connect } from 'node:net';

const REQUEST = 'GET /bench HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\nuser-agent: slipway-bench\r\n\r\n';

interface Job {
  readonly port: number;
  readonly requests: number;
  readonly connections: number;
}

process.on('message', (job: Job) => {
  void run(job).then((report) => process.send?.(report));
});
process.once('disconnect', () => process.exit(0));

async function run({
  port,
  requests,
  connections,
}: Job): Promise<{ readonly seconds: number; readonly p50Ms: number; readonly p99Ms: number; readonly failed: number }> {
  const latencies: number[] = [];
  let left = requests;
  const take = (): boolean => left-- > 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, () => oneConnection(port, take, latencies)));
  const seconds = (performance.now() - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
  return { seconds, p50Ms: at(0.5), p99Ms: at(0.99), failed: requests - latencies.length };
}

/** Ends when there is nothing left to send or the connection breaks; what it did not answer counts as failed. */
function oneConnection(port: number, take: () => boolean, latencies: number[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    let text = '';
    let sentAt = 0;
    const next = (): void => {
      if (!take()) return void socket.end();
      sentAt = performance.now();
      socket.write(REQUEST);
    };
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      const head = text.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (head === -1 || length === undefined || text.length < head + 4 + Number(length)) return;
      if (text.startsWith('HTTP/1.1 200')) latencies.push(performance.now() - sentAt);
      text = '';
      next();
    });
    socket
      .once('connect', next)
      .once('error', () => socket.destroy())
      .once('close', () => resolve());
  });
}
