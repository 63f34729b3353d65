import { SlipwayError } from './errors.ts';

/**
 * Text with references, as written in slipway.yaml: `${env:NAME}`, `${secret:NAME}`, `${port}`, `${version}`...
 * Templates travel through plan, ledger and agent unresolved, so a secret's value is only ever in the process that uses it.
 */
export type Template = string;

const REFERENCE = /\$\{([a-z]+)(?::([A-Za-z_][A-Za-z0-9_]*))?\}/g;

/** A reference found in a template: `{ kind: 'env', name: 'HOME' }` or `{ kind: 'port', name: null }`. */
export interface Reference {
  readonly kind: string;
  readonly name: string | null;
}

/** All references of a template in order. */
export function referencesOf(template: Template): readonly Reference[] {
  return [...template.matchAll(REFERENCE)].map(([, kind, name]) => ({ kind: kind ?? '', name: name ?? null }));
}

/** A template's text with every reference replaced, and the values that must never be shown. */
export interface Resolved {
  readonly value: string;
  readonly secrets: readonly string[];
}

/**
 * Replaces references. `variables` answers plain ones (`port`, `version`), `environment` answers `env` and `secret`.
 * Values from the environment are all treated as secret: a reader of a log never needs them.
 * @throws SlipwayError `secret_missing` when a named variable is not set; `config_invalid` for an unknown reference
 */
export function resolveTemplate(
  template: Template,
  environment: Readonly<Record<string, string | undefined>>,
  variables: Readonly<Record<string, string>> = {},
): Resolved {
  const secrets: string[] = [];
  const value = template.replace(REFERENCE, (_whole, kind: string, name: string | undefined) => {
    if (name === undefined) {
      const found = variables[kind];
      if (found === undefined) throw new SlipwayError('config_invalid', `"\${${kind}}" has no value here`);
      return found;
    }
    if (kind !== 'env' && kind !== 'secret')
      throw new SlipwayError('config_invalid', `"\${${kind}:${name}}" is not a reference; use \${env:NAME} or \${secret:NAME}`);
    const found = environment[name];
    if (found === undefined) throw new SlipwayError('secret_missing', `The variable ${name} is not set`);
    secrets.push(found);
    return found;
  });
  return { value, secrets };
}
