/** A service as a real process, steered over IPC: `release` answers the requests that wait, `reject` forgets an error. */
import { type ShutdownLimits, createService } from '../../src/index.ts';

const service = createService({
  name: 'bare',
  version: '1.0.0',
  processMetrics: false,
  shutdown: JSON.parse(process.env['LIMITS'] ?? '{}') as Partial<ShutdownLimits>,
});
const waiting: (() => void)[] = [];
const tell = (what: unknown): void => void process.send?.(what);

process.on('message', (message) => {
  if (message === 'release') for (const answer of waiting.splice(0)) answer();
  if (message === 'reject') void Promise.reject(new Error('nobody handles this'));
});
service.onShutdown('database', () => tell('database closed'));
service.onShutdown('cache', () => tell('cache closed'));
if (process.env['HOOK'] === 'hangs') service.onShutdown('hanging', () => new Promise(() => undefined));
if (process.env['HOOK'] === 'fails') service.onShutdown('failing', () => Promise.reject(new Error('disk full')));

const server = service.createServer((request, response) => {
  if (request.url === '/wait') {
    waiting.push(() => response.end('done'));
    tell('waiting');
  } else if (request.url === '/transaction') {
    // The answer goes out first; the work behind it must still be finished.
    void service.track(async () => {
      await new Promise<void>((resolve) => void waiting.push(resolve));
      tell('committed');
    });
    response.end('accepted');
  } else if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: hello\n\n');
    const closed = service.stream(() => response.end('event: bye\n\n'));
    response.once('close', closed);
  } else response.end('hello');
});
server.on('upgrade', (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n');
  if (process.env['TUNNEL'] !== 'deaf')
    socket.once(
      'close',
      service.stream(() => socket.end('bye')),
    );
});
await service.listen(server, { port: 0 });
const address = server.address();
tell({ port: typeof address === 'object' && address !== null ? address.port : 0 });
// Something that would keep the process alive for ever, as pools and timers do.
setInterval(() => undefined, 1_000);
