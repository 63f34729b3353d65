import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, type FlagsClient } from '../../packages/flags/src/node.ts';
import { aFlag, openBed, until, type Bed, type Served } from './bed.ts';

let bed: Bed;
let servers: readonly Served[];
let clients: readonly FlagsClient[];
beforeAll(async () => {
  bed = await openBed();
  servers = [await bed.serve(), await bed.serve()];
  const token = await bed.token(['server-evaluate']);
  await bed.write([['release_on', aFlag()]], 'create');
  clients = servers.map(({ base }) => createClient({ url: base, token, initTimeoutMs: 20_000, log: () => undefined }));
  await Promise.all(clients.map((client) => client.ready));
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await bed.stop();
});

const kill = (...more: readonly string[]) => bed.cli('flag', 'kill', 'release_on', '--reason', 'it burns', '--within', '30s', ...more);

it('the command ends with 0 when every client of every server process has it, and says so', async () => {
  await until(() => clients.every((client) => client.boolean('release_on', {}, false)));
  const { exit, out } = await kill();
  expect(out).toMatch(/^release_on is off in dev, since 20.*Z\.\n2 of 2 clients have it in [\d.]+m?s\.\n$/);
  expect(exit).toBe(0);
  expect(clients.map((client) => client.boolean('release_on', {}, true))).toEqual([false, false]);
});

it('the command ends with 19 while clients that lost their server process a moment ago may be without it, and says how many', async () => {
  const [lost, left] = [await bed.serve(), await bed.serve()];
  const token = await bed.token(['server-evaluate']);
  // They know of one process only, and cannot come back: the worst case.
  const orphans = [lost, left].map(({ base }) => createClient({ url: base, token, initTimeoutMs: 20_000, log: () => undefined }));
  await Promise.all(orphans.map((client) => client.ready));
  await bed.cli('flag', 'unkill', 'release_on', '--reason', 'repaired', '--within', '30s');
  await until(() => orphans.every((client) => client.boolean('release_on', {}, false)));
  const gone = once(lost.child, 'exit');
  lost.child.kill('SIGKILL');
  await gone;
  expect(await left.stop()).toBe(0);
  const { exit, out } = await bed.cli('flag', 'kill', 'release_on', '--reason', 'it burns', '--within', '5s');
  expect(orphans.map((client) => client.boolean('release_on', {}, false))).toEqual([true, true]);
  expect(exit).toBe(19);
  // By then or a moment later.
  await until(async () => (await bed.cli('flag', 'show', 'release_on')).out.includes('2 of 2 clients have it'));
  for (const { child } of [lost, left])
    expect(out).toMatch(new RegExp(`1 client of the server process ${child.pid} on \\S+, which had ended by 20\\S+Z, may be without it`));
  await bed.query(`update slipway.flag_server set ended_at = ended_at - interval '61 seconds' where ended_at is not null`);
  await bed.query(`update slipway.flag_change set at = at - interval '61 seconds'`);
  for (const { exit, out } of [await kill(), await bed.cli('flag', 'show', 'release_on')]) {
    expect(exit).toBe(0);
    expect(out).toContain('2 of 2 clients have it');
    // They serve it: nobody waits for them any more, and nobody may believe that they are gone.
    expect(out).toMatch(
      new RegExp(
        `1 client of the server process ${lost.child.pid} on \\S+, which answers no more since 20\\S+Z and could not name them, may not have`,
      ),
    );
    expect(out).toMatch(
      new RegExp(`1 client of the server process ${left.child.pid} on \\S+, which answers no more since 20\\S+Z, did not come back`),
    );
  }
  expect(JSON.parse((await bed.cli('flag', 'show', 'release_on', '--json')).out)).toMatchObject({
    delivery: { complete: true, ended: [], lost: expect.toSatisfy((all: object[]) => all.length === 2) },
  });
  await Promise.all(orphans.map((client) => client.close()));
});

it('the command ends with 19 when a server process is silent, and names it, since when and until when', async () => {
  bed.freeze();
  // By then whatever was on its way to the store is there: a process that says a moment later that it is there would be heard.
  await until(() => servers.every(({ log }) => log.some((line) => line.includes('served from memory'))));
  await bed.query(`update slipway.flag_server set seen_at = seen_at - interval '60 seconds', place = 'elsewhere'`);
  const { exit, out } = await bed.cli('flag', 'kill', 'release_on', '--reason', 'again', '--within', '1s');
  expect(exit).toBe(19);
  for (const { child } of servers)
    expect(out).toMatch(
      new RegExp(`The server process ${child.pid} on \\S+ is silent since 20\\S+Z: it may go on .* until 20\\S+Z\\. End it there`),
    );
  bed.thaw();
});
