import { isJsonObject } from '../kernel/index.ts';
import type { Condition } from '../flags/index.ts';
import { pathText } from './core/problem.ts';
import { complaintsOf } from './issues.ts';
import { when } from './schema/flag-condition.ts';

/**
 * A condition as files of flags say it, `{ attribute: plan, in: [pro] }`; also as the API does, `{ attribute, operator, values }`, which is
 * left to whoever checks the flag it is put into. Texts say what is wrong with one that is none.
 */
export function parseWhen(given: unknown): { readonly when: Condition } | { readonly problems: readonly string[] } {
  if (isOfApi(given)) return { when: given as Condition };
  const parsed = when.safeParse(given);
  if (parsed.success) return { when: parsed.data };
  const told = complaintsOf(parsed.error.issues, given).map(({ path, message }) => `${pathText(path)} ${message}`.trim());
  return { problems: [...new Set(told)] };
}

/** Somewhere in it an operator is named. A share that is a number alone is not enough: whoever writes 5 means 5%, and it would be 0.005%. */
function isOfApi(given: unknown): boolean {
  if (Array.isArray(given)) return given.some(isOfApi);
  if (!isJsonObject(given)) return false;
  if (typeof given['operator'] === 'string') return true;
  return [given['all'], given['any'], given['not']].some(isOfApi);
}
