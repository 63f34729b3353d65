import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, SlipwayError } from '../../../kernel/index.ts';
import { parseWhen } from '../../../config/index.ts';
import type { Condition } from '../../../flags/index.ts';
import type { Call } from '../spec.ts';

const MOST_BYTES = 1024 * 1024;

/** A condition in JSON or YAML, as files of flags say it, or `@FILE` with one. What it names is checked with the flag it is put into. @throws SlipwayError `usage` */
export async function conditionOf(call: Call, given: string): Promise<Condition> {
  const value = await valueOf(call, '--when', given);
  if (typeof value !== 'object' || value === null) throw noObject('--when');
  const parsed = parseWhen(value);
  if ('when' in parsed) return parsed.when;
  throw new SlipwayError('usage', `--when: ${parsed.problems.join('; ')}`, { hint: `Such as --when '${EXAMPLE}'.` });
}

const EXAMPLE = '{ attribute: plan, eq: pro }';

/** An object in JSON or YAML, or `@FILE` with one. @throws SlipwayError `usage` */
export async function documentOf(call: Call, option: string, given: string): Promise<Readonly<Record<string, unknown>>> {
  const value = await valueOf(call, option, given);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw noObject(option);
}

function noObject(option: string): SlipwayError {
  return new SlipwayError('usage', `${option}: an object is needed, such as '${EXAMPLE}'`);
}

async function valueOf(call: Call, option: string, given: string): Promise<unknown> {
  const text = given.startsWith('@') ? await contentOf(option, resolve(call.directory, given.slice(1))) : given;
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw new SlipwayError('usage', `${option}: ${problem.message.split('\n')[0] ?? ''}`);
  return document.toJS({ maxAliasCount: 0 }) as unknown;
}

async function contentOf(option: string, file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new SlipwayError('usage', `${option} @${file}: ${messageOf(error)}`);
  });
  if (bytes.length > MOST_BYTES) throw new SlipwayError('usage', `${option} @${file}: more than 1 MiB`);
  return bytes.toString('utf8');
}
