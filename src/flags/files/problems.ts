import type { Problem } from '../evaluator.ts';

/** Something that is wrong with a flag or segment of the files in one environment. */
export interface FilesProblem {
  readonly kind: 'flag' | 'segment';
  readonly key: string;
  /** As in the file, below the key. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Problems of a set, as the files that it comes from have their places. */
export function placed(problems: readonly Problem[]): readonly FilesProblem[] {
  return problems.map(({ path, message }) => problemAt(partsOf(path), message));
}

/** `flags.release_a.rules[0].when` -> its parts. */
function partsOf(path: string): readonly (string | number)[] {
  const parts = path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([\w-]+)/g);
  return [...parts].map(([, index, quoted, name = '']) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? name : (JSON.parse(quoted) as string);
  });
}

/** The file has no `about`, and names what is dealt by share. */
const ELSEWHERE: Readonly<Record<string, string>> = { createdAt: 'created', expiresAt: 'expires', weights: 'split' };

function problemAt([kind, key = '', ...below]: readonly (string | number)[], message: string): FilesProblem {
  const path = below.filter((part) => part !== 'about').map((part) => (Object.hasOwn(ELSEWHERE, part) ? (ELSEWHERE[part] ?? part) : part));
  return { kind: kind === 'segments' ? 'segment' : 'flag', key: String(key), path, message };
}
