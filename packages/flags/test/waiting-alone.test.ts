import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const MODULE = new URL('../src/node.ts', import.meta.url).href;

/** As a service begins: nothing else keeps the process alive yet. */
function begin(then: string): { readonly status: number | null; readonly stdout: string } {
  const options = `{ url: 'http://127.0.0.1:1', token: 't', initTimeoutMs: 300, log: () => undefined }`;
  const script = `import { createClient } from '${MODULE}'; const flags = createClient(${options}); ${then}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
}

it('a process that waits for its flags before it does anything else is there when the server is not', () => {
  expect(begin(`console.log((await flags.ready).source);`)).toMatchObject({ status: 0, stdout: 'defaults\n' });
});

it('ends by itself when it has nothing more to do, though nobody closed the client', () => {
  expect(begin(`await flags.ready; console.log(flags.boolean('a', {}, true));`)).toMatchObject({ status: 0, stdout: 'true\n' });
});
