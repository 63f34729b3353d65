/**
 * Sends a signal to one process. To kill(2) a number below 1 is many: 0 the group of this whole run, -1 everything there is. So a process
 * that is not there, or not yet, fails the test that asks and nobody else.
 * @param pid who gets it; null and undefined for nobody
 */
export function signalOne(pid: number | null | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === null || pid === undefined || !Number.isInteger(pid) || pid < 2)
    throw new Error(`There is no process ${pid} that could get ${signal}`);
  process.kill(pid, signal);
}
