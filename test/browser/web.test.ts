import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aFlag, openBed, until, type Bed } from '../server/bed.ts';

const CHROMIUM = 'chromium';
const isThere = spawnSync(CHROMIUM, ['--version']).status === 0;

interface Seen {
  readonly who: string;
  readonly value: unknown;
}

/**
 * Both ways into a page, in a real browser: the stock provider, which asks the server's own origin for values, and ours, which has the
 * rules, verifies them, and gets them through the proxy of its page: no other origin is given rules.
 */
describe.skipIf(!isThere)('a page in Chromium', () => {
  const profile = mkdtempSync(path.join(tmpdir(), 'slw-chromium-'));
  const seen: Seen[] = [];
  const ofOne = (who: string): readonly unknown[] => seen.filter((one) => one.who === who).map(({ value }) => value);
  let bed: Bed;
  let pages: Server;
  let browser: ChildProcess;

  beforeAll(async () => {
    bed = await openBed();
    await bed.write([['release_on', aFlag()]]);
    const script = await bundle();
    let [html, port] = ['', 0];
    pages = createServer((asked, response) => {
      const { url = '' } = asked;
      if (url.startsWith('/flags/')) return forward(asked, response, port);
      if (url === '/seen') return hear(asked, (one) => (seen.push(one), response.writeHead(204).end()));
      const [type, text] = url === '/page.js' ? ['text/javascript', script] : ['text/html', html];
      response.writeHead(200, { 'content-type': type }).end(text);
    }).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    const served = await bed.serve('--origin', origin);
    port = served.port;
    const [clientToken, serverToken] = [await bed.token(['client-evaluate']), await bed.token(['server-evaluate'])];
    const { key } = (await served.call('GET /flags/v1/snapshot', { token: serverToken })).json;
    const order = JSON.stringify({ base: served.base, clientToken, serverToken, key });
    html = `<!doctype html><script type="application/json" id="order">${order}</script><script type="module" src="/page.js"></script>`;
    browser = spawn(CHROMIUM, ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`, origin], {
      stdio: 'ignore',
    });
  });
  afterAll(async () => {
    const gone = once(browser, 'exit');
    browser.kill('SIGTERM');
    await gone;
    pages.closeAllConnections();
    pages.close();
    await bed.stop();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  it.each(['stock', 'ours'])('has the value by the %s provider', async (who) => {
    await until(() => ofOne(who).length > 0);
    expect(ofOne(who)).toEqual([true]);
  });

  it('sees a kill without being loaded again, and says so', async () => {
    const kill = await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
    for (const who of ['stock', 'ours']) await until(() => ofOne(who).at(-1) === false);
    await until(async () =>
      (await bed.store.telemetry.reach('dev')).some(({ seq, acknowledged }) => seq === kill.seq && acknowledged === 1),
    );
    expect(seen.filter(({ value }) => typeof value !== 'boolean')).toEqual([]);
  });
});

function hear(asked: IncomingMessage, said: (one: Seen) => void): void {
  let body = '';
  asked.on('data', (chunk: Buffer) => (body += chunk.toString()));
  asked.on('end', () => said(JSON.parse(body) as Seen));
}

/** What a reverse proxy does: the path as it is, bytes as they come. */
function forward(asked: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, url, headers } = asked;
  const onward = request({ port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  asked.pipe(onward);
}

async function bundle(): Promise<string> {
  const built = await rolldown({ input: path.join(import.meta.dirname, 'page.mjs'), platform: 'browser', logLevel: 'silent' });
  const { output } = await built.generate({ format: 'esm' });
  await built.close();
  return output[0].code;
}
