import { pathText, type Problem } from './core/problem.ts';
import { findSecret, isNamedSecret } from './core/secrets.ts';
import type { Source } from './source.ts';

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
  return source.scalars().flatMap(({ key, path, value }) => {
    const found = typeof value === 'string' ? findSecret(value) : null;
    const what = found?.what ?? (isNamedSecret(key, value) ? `a value for "${key}"` : null);
    if (what === null) return [];
    const { line, column } = source.locate(path, 'value');
    return [{ line, column, path: pathText(path), message: `${what} stands here; ${ADVICE}`, secret: true }];
  });
}
