import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createRedactor, parseEnvFile, secretValuesOf, SlipwayError, type Redactor } from '../kernel/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything this process knows to be secret, and the redactor that hides it. Grows as files are read. */
export interface Secrets {
  readonly redact: Redactor;
  add(values: readonly string[]): void;
  /** All values known so far, for another process that must hide them too. */
  known(): readonly string[];
  /** The process environment joined with a variables file of the workspace (which wins); its secrets become known. @throws SlipwayError `config_invalid` */
  environmentFor(workspace: string, envFile: string | null): Promise<Environment>;
}

/** Makes the registry over the process environment. */
export function createSecrets(environment: Environment): Secrets {
  const known = new Set<string>();
  let redactor = createRedactor([]);
  const add = (values: readonly string[]): void => {
    const before = known.size;
    for (const value of values) known.add(value);
    if (known.size > before) redactor = createRedactor([...known]);
  };
  add(secretValuesOf(environment));
  return {
    redact: (text) => redactor(text),
    add,
    known: () => [...known],
    environmentFor: async (workspace, envFile) => {
      if (envFile === null) return environment;
      const text = await readFile(resolve(workspace, envFile), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw new SlipwayError('config_invalid', `The variables file ${envFile} cannot be read: ${error.message}`, {
          hint: 'Correct env-file in slipway.yaml, or the rights of the file.',
        });
      });
      const variables = parseEnvFile(text, envFile);
      add(secretValuesOf(variables));
      return { ...environment, ...variables };
    },
  };
}
