/** A service instance as a process of its own: `node backend-process.ts VERSION` prints its port and answers with its version. */
import { createServer } from 'node:http';

const version = process.argv[2] ?? 'none';

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    response.setHeader('content-type', 'text/plain');
    response.end(version);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
// Never outlives a test run that was killed.
process.stdin.resume().once('end', () => process.exit(0));
