/** A row of `show stat`: a frontend, a backend or a server. */
export interface Row {
  readonly proxy: string;
  /** `FRONTEND`, `BACKEND`, or a server's name. */
  readonly server: string;
  /** Connections of a frontend, requests in flight of a backend or server. */
  readonly current: number;
  /** `UP`, `DOWN`, `MAINT`, ... */
  readonly status: string;
  /** Requests (of a backend), attempts at one (of a server). */
  readonly begun: number;
  /** Of a backend those that ended with a status, its own included; of a server those it answered. */
  readonly answered: number;
  /** Given up by the client. */
  readonly givenUp: number;
}

/** Reads the CSV of `show stat`; its first line names the columns. @throws Error when a column we need is missing */
export function readStatistics(csv: string): readonly Row[] {
  const [head = '', ...lines] = csv.split('\n').filter((line) => line !== '');
  const columns = head.replace(/^# /, '').split(',');
  const at = (name: string): number => {
    const index = columns.indexOf(name);
    if (index === -1) throw new Error(`HAProxy's statistics have no column ${name}`);
    return index;
  };
  const [proxy, server, status] = [at('pxname'), at('svname'), at('status')];
  const [current, begun, answered] = [at('scur'), at('stot'), at('req_tot')];
  const givenUp = at('cli_abrt');
  return lines.map((line): Row => {
    const cells = line.split(',');
    const count = (column: number): number => Number(cells[column] ?? 0);
    return {
      proxy: cells[proxy] ?? '',
      server: cells[server] ?? '',
      status: cells[status] ?? '',
      current: count(current),
      begun: count(begun),
      answered: count(answered),
      givenUp: count(givenUp),
    };
  });
}

/** True for the row of a server. */
export function isInstance({ server }: Row): boolean {
  return server !== 'FRONTEND' && server !== 'BACKEND';
}

/** True for a server that takes requests. */
export function takesRequests({ status }: Row): boolean {
  return status.startsWith('UP') || status === 'no check';
}
