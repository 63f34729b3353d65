import { pathText, type Problem } from './core/problem.ts';
import { findSecret, isNamedSecret, passesSecret } from './core/secrets.ts';
import type { Path, Source } from './source.ts';

const ADVICE = 'keep the value outside this file and write a reference such as ${env:NAME}';

/** Literal secrets anywhere in the text, comments included, so that a file that is not even YAML is not quoted either. */
export function secretsInText(text: string): readonly Problem[] {
  return text.split('\n').flatMap((line, index) => {
    const found = findSecret(line);
    return found === null
      ? []
      : [{ line: index + 1, column: found.at + 1, path: '', message: `${found.what} stands here; ${ADVICE}`, secret: true }];
  });
}

/** Literal secrets among the values: by their shape (also when folded over lines) or by the name of their key. */
export function secretsInValues(source: Source): readonly Problem[] {
  const scalars = source.scalars();
  return scalars.flatMap(({ key, path, value }, index) => {
    const found = typeof value === 'string' ? findSecret(value) : null;
    const before = wordBefore(path, scalars[index - 1]);
    const passed = typeof value === 'string' && passesSecret(value, before) ? 'the value of an option that takes a secret' : null;
    const what = found?.what ?? (isNamedSecret(key, value) && !namesCookie(path) ? `a value for "${key}"` : passed);
    if (what === null) return [];
    const { line, column } = source.locate(path, 'value');
    return [{ line, column, path: pathText(path), message: `${what} stands here; ${ADVICE}`, secret: true }];
  });
}

/** `strategy.cohort` says what a cookie is called, not what is in it. */
function namesCookie(path: Path): boolean {
  return path.at(-1) === 'cookie' && path.at(-3) === 'cohort';
}

/** The word before a word of the same list; null for the first one, and for what is no list. */
function wordBefore(path: Path, previous: ReturnType<Source['scalars']>[number] | undefined): string | null {
  const isNext = typeof path.at(-1) === 'number' && previous?.path.length === path.length && typeof previous.path.at(-1) === 'number';
  const sameList = isNext && previous.path.slice(0, -1).every((part, index) => part === path[index]);
  return sameList && typeof previous.value === 'string' ? previous.value : null;
}
