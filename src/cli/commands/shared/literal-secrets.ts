import { secretValuesOf, SlipwayError } from '../../../kernel/index.ts';

/** Shorter ones, and plain words, stand in a configuration by chance. */
const TELLING = /^(?=.*[^a-z_.-]).{8,}$/s;

/**
 * Refuses a configuration that holds the value of a secret variable. The plan goes into the ledger as it is, because a worker
 * acts upon it, so such a value could not be hidden any more.
 * @throws SlipwayError `secret_in_config`, naming the variable and never the value
 */
export function refuseLiteralSecrets(definition: unknown, environment: Readonly<Record<string, string | undefined>>): void {
  const texts = textsOf(definition);
  for (const [name, value] of Object.entries(environment)) {
    const [secret] = secretValuesOf({ [name]: value });
    if (secret === undefined || !TELLING.test(secret) || !texts.some((text) => text.includes(secret))) continue;
    throw new SlipwayError('secret_in_config', `slipway.yaml holds the value of the variable ${name}`, {
      hint: `Write \${env:${name}} instead of the value.`,
    });
  }
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
