import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createRedactor, parseEnvFile, type Redactor } from '../kernel/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything this process knows to be secret, and the redactor that hides it. Grows as files are read. */
export interface Secrets {
  readonly redact: Redactor;
  add(values: readonly string[]): void;
  /** The process environment joined with a variables file of the workspace (which wins); its secrets become known. */
  environmentFor(workspace: string, envFile: string | null): Promise<Environment>;
}

/** A variable with such a name holds a secret, whatever its value looks like. */
const SECRET_NAME = /pass|secret|token|key|credential|auth|dsn|_url$|^url$|private/i;

/** Makes the registry over the process environment. */
export function createSecrets(environment: Environment): Secrets {
  const known = new Set<string>();
  let redactor = createRedactor([]);
  const add = (values: readonly string[]): void => {
    const before = known.size;
    for (const value of values) known.add(value);
    if (known.size > before) redactor = createRedactor([...known]);
  };
  const learn = (variables: Environment): void =>
    add(Object.entries(variables).flatMap(([name, value]) => (value !== undefined && SECRET_NAME.test(name) ? [value] : [])));
  learn(environment);
  return {
    redact: (text) => redactor(text),
    add,
    environmentFor: async (workspace, envFile) => {
      if (envFile === null) return environment;
      const text = await readFile(resolve(workspace, envFile), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      });
      const variables = parseEnvFile(text, envFile);
      learn(variables);
      return { ...environment, ...variables };
    },
  };
}
