/** A row of `show stat`: a frontend, a backend or a server. */
export interface Row {
  readonly proxy: string;
  /** `FRONTEND`, `BACKEND`, or a server's name. */
  readonly server: string;
  /** Connections of a frontend, requests in flight of a backend or server. */
  readonly current: number;
  /** `UP`, `DOWN`, `MAINT`, ... */
  readonly status: string;
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
  const [proxy, server, current, status] = [at('pxname'), at('svname'), at('scur'), at('status')];
  return lines.map((line) => {
    const cells = line.split(',');
    return { proxy: cells[proxy] ?? '', server: cells[server] ?? '', current: Number(cells[current] ?? 0), status: cells[status] ?? '' };
  });
}

/** True for a server that takes requests. */
export function takesRequests({ status }: Row): boolean {
  return status.startsWith('UP') || status === 'no check';
}
