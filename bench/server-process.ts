import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The built `slipway serve`, as users start it. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  /** CPU time of all its threads, in seconds, from the scheduler's own account in nanoseconds. */
  cpuSeconds(): number;
  /** What of its memory is in RAM, in MB. */
  rssMb(): number;
  /** Ends it and waits for that. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Starts one on the store in `home` and answers when it serves. Linux only, as it reads `/proc`; needs `npm run build`. */
export async function startServer(home: string, args: readonly string[]): Promise<ServerProcess> {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'serve', ...args], {
    env: { ...process.env, SLIPWAY_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`slipway serve ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { readonly message: string; readonly port: number };
      if (said.message === 'serving') resolve(said.port);
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('slipway serve has no process');
  return {
    child,
    pid,
    port,
    cpuSeconds: () => {
      const threads = readdirSync(`/proc/${pid}/task`);
      return threads.reduce((sum, one) => sum + Number(readFileSync(`/proc/${pid}/task/${one}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e9;
    },
    rssMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}
