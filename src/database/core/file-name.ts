/** A migration file's name taken apart. */
export interface MigrationFileName {
  /** Without `.sql`, `.up.sql` or `.down.sql`. */
  readonly name: string;
  readonly direction: 'up' | 'down';
}

const PATTERN = /^(\d{1,20}_[A-Za-z0-9][A-Za-z0-9_-]*)(?:\.(up|down))?\.sql$/;

/** Takes `20261121093000_add_price.sql`, `.up.sql` or `.down.sql` apart; a plain number in front (`0001_`) will do. Null when it is none. */
export function parseFileName(file: string): MigrationFileName | null {
  const [, name, direction] = PATTERN.exec(file) ?? [];
  if (name === undefined) return null;
  return { name, direction: direction === 'down' ? 'down' : 'up' };
}

/** Order of application: by the number in front, then by the rest, without regard to the machine's language. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== right) return left < right ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function numberOf(name: string): bigint {
  return BigInt(/^\d+/.exec(name)?.[0] ?? '0');
}

/** `{timestamp}_{description}`, as in `20261121093000_add_price`: numbers in a row are given twice when two people write at once. */
export function followsConvention(name: string): boolean {
  return /^\d{12,14}_[a-z0-9]+(?:_[a-z0-9]+)*$/.test(name);
}
