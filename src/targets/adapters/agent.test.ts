import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAdaptorServer } from '@hono/node-server';
import { CHILD_ENVIRONMENT } from '../../../test/support/child.ts';
import { SlipwayError, type Log } from '../../kernel/index.ts';
import { PLANTED_SECRET, targetContract, type TargetHarness } from '../contract.ts';
import { createTargetRoutes } from '../http.ts';
import type { GroupSpec, Target } from '../ports.ts';
import { createAgentTarget, type AgentTarget } from './agent.ts';

const SOURCES = path.resolve(import.meta.dirname, '..');

/** An agent in a process of its own, so that it can be killed: the process target behind HTTP on a unix socket. */
async function startAgent(state: string, socket: string): Promise<ChildProcess> {
  const script = `
    import { createAdaptorServer } from '@hono/node-server';
    import { rmSync } from 'node:fs';
    const { systemClock } = await import(${JSON.stringify(path.join(SOURCES, '../kernel/index.ts'))});
    const { keepCompiled } = await import(${JSON.stringify(path.join(SOURCES, '../../test/support/child.ts'))});
    const { createProcessTarget, createTargetRoutes } = await import(${JSON.stringify(path.join(SOURCES, 'index.ts'))});
    keepCompiled();
    const target = await createProcessTarget({ directory: ${JSON.stringify(state)}, clock: systemClock, log: (...all) => console.error(...all), environment: process.env });
    rmSync(${JSON.stringify(socket)}, { force: true });
    const routes = await createTargetRoutes(target, () => undefined);
    createAdaptorServer({ fetch: routes.fetch }).listen(${JSON.stringify(socket)}, () => console.log('up'));`;
  const agent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: SOURCES,
    env: { ...CHILD_ENVIRONMENT, SECRET: PLANTED_SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(agent.stdout, 'data');
  return agent;
}

targetContract('agent target', async (): Promise<TargetHarness> => {
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-agent-'));
  const [state, artifact, socket] = ['state', 'artifact', 'a.sock'].map((name) => path.join(root, name)) as [string, string, string];
  mkdirSync(artifact);
  let agent = await startAgent(state, socket);
  const target = createAgentTarget({ socketPath: socket });
  const kill = async (): Promise<void> => {
    agent.kill('SIGKILL');
    await once(agent, 'exit');
  };
  return {
    directory: artifact,
    target: () => target,
    restart: async (meanwhile) => {
      await kill();
      await meanwhile?.();
      agent = await startAgent(state, socket);
    },
    close: async () => {
      const file = path.join(state, 'groups.json');
      const groups = existsSync(file) ? Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { readonly groups: object }).groups) : [];
      await Promise.all(groups.map((group) => target.remove(1_000, group)));
      await target.close();
      await kill();
      rmSync(root, { recursive: true, force: true });
    },
  };
});

describe('the door of the agent', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-door-'));
  const socket = path.join(root, 'a.sock');
  const calls: unknown[][] = [];
  const logged: string[] = [];
  const log: Log = (level, message) => void logged.push(`${level} ${message}`);
  const group: GroupSpec = {
    id: 'a b/prd/blue%',
    service: 'a b',
    environment: 'prd',
    version: '1',
    release: 'r',
    directory: '/',
    processes: [],
    envFile: null,
  };
  const behind: Target = {
    apply: async (...all) => void calls.push(['apply', ...all]),
    inspect: async (id) => {
      if (id === 'bug/a/b') throw new Error('password=verysecret');
      return id === group.id ? { spec: group, stopAt: null, instances: [] } : null;
    },
    list: async (...all) => {
      calls.push(['list', ...all]);
      return [];
    },
    output: async (...all) => {
      calls.push(['output', ...all]);
      return ['a line'];
    },
    remove: async () => {
      throw new SlipwayError('fenced', 'too old', { hint: 'go home' });
    },
  };
  let server: Server;
  let client: AgentTarget;
  beforeEach(async () => {
    mkdirSync(root, { recursive: true });
    calls.length = 0;
    server = createAdaptorServer({ fetch: createTargetRoutes(behind, log).fetch }) as Server;
    server.listen(socket);
    await once(server, 'listening');
    client = createAgentTarget({ socketPath: socket });
  });
  afterEach(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true, force: true });
  });
  const raw = (pathname: string, init: RequestInit): Promise<Response> =>
    Promise.resolve(createTargetRoutes(behind, log).request(pathname, init));
  const put = (body: string, headers: Record<string, string> = { 'slipway-fence': '1' }): Promise<Response> =>
    raw('/v1/groups/a%2Fb%2Fc', { method: 'PUT', body, headers });

  test('ids, fences and bodies arrive as they were sent', async () => {
    await client.apply(7, group);
    await client.list('a b', 'x&y');
    expect(await client.output(group.id, { process: 'a&b', index: 3 }, 20)).toEqual(['a line']);
    expect(calls).toEqual([
      ['apply', 7, group],
      ['list', 'a b', 'x&y'],
      ['output', group.id, { process: 'a&b', index: 3 }, 20],
    ]);
    expect(await client.inspect(group.id)).toEqual({ spec: group, stopAt: null, instances: [] });
    expect(await client.inspect('no/such/group')).toBeNull();
  });

  test('a refusal comes back as it was thrown; a bug comes back without its text', async () => {
    await expect(client.remove(1, 'a/b/c')).rejects.toMatchObject({
      name: 'SlipwayError',
      code: 'fenced',
      message: 'too old',
      hint: 'go home',
    });
    const bug: unknown = await client.inspect('bug/a/b').catch((error: unknown) => error);
    expect(bug).toBeInstanceOf(Error);
    expect(bug).not.toBeInstanceOf(SlipwayError);
    expect(String(bug)).not.toContain('verysecret');
    expect(logged).toEqual([expect.stringContaining('error GET /v1/groups/bug%2Fa%2Fb failed') as string]);
  });

  test('nobody behind the socket is agent_unreachable', async () => {
    const gone = createAgentTarget({ socketPath: path.join(root, 'none.sock') });
    await expect(gone.inspect('a/b/c')).rejects.toMatchObject({ code: 'agent_unreachable' });
    await gone.close();
  });

  test('something else behind the socket is an error, never an empty machine', async () => {
    const other = createServer((_request, response) => response.end('<html>')).listen(path.join(root, 'other.sock'));
    const lost = createAgentTarget({ socketPath: path.join(root, 'other.sock') });
    await expect(lost.inspect('a/b/c')).rejects.toThrow('not JSON');
    await lost.close();
    other.close();
  });

  test.each([
    ['not JSON', () => put('{'), 400],
    ['a body without a process list', () => put(JSON.stringify({ ...group, processes: undefined })), 400],
    ['an unknown key', () => put(JSON.stringify({ ...group, extra: 1 })), 400],
    ['a wrong type deep inside', () => put(JSON.stringify({ ...group, processes: [{ name: 1 }] })), 400],
    ['a body that names another group', () => put(JSON.stringify({ ...group, id: 'x/y/z' })), 400],
    ['no fence', () => put(JSON.stringify({ ...group, id: 'a/b/c' }), {}), 400],
    ['a fence that is no number', () => put(JSON.stringify({ ...group, id: 'a/b/c' }), { 'slipway-fence': '-1' }), 400],
    ['a body beyond the limit', () => put(' '.repeat(1_100_000)), 400],
    ['output of no process', () => raw('/v1/groups/a%2Fb%2Fc/output?index=0&lines=5', {}), 400],
    ['output of an index that is no number', () => raw('/v1/groups/a%2Fb%2Fc/output?process=web&index=x&lines=5', {}), 400],
    ['a list of everything', () => raw('/v1/groups', {}), 400],
    ['a removal without a fence', () => raw('/v1/groups/a%2Fb%2Fc', { method: 'DELETE' }), 400],
  ] as const)('%s is refused and reaches no target', async (_case, send, status) => {
    const response = await send();
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: {
        code: expect.stringMatching(/usage|config_invalid/) as string,
        message: expect.any(String) as string,
        hint: expect.any(String) as string,
      },
    });
    expect(calls).toEqual([]);
  });
});
